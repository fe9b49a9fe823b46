"""The plan of an experiment: its designs, its runs, the types of its tables; checked beforehand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from abm.experiments.design import Design, designs_of, refuse_one_market_under_two_names
from abm.experiments.schema import TABLES, factor_type
from abm.opening.build import draw_blueprint
from abm.opening.streams import RunSeed, Streams
from scenarios.errors import InputError, named
from scenarios.experiment import Experiment
from scenarios.scenario import Scenario

LARGEST_PART = 100
"""Runs in a part: as many as keep the cost of a file small beside its runs."""

_PARTS = 64
"""Small experiments are cut into about so many parts, for many workers to share."""

_BRIEF, _LEAST_PARTS = 25, 8
"""So many short runs are in a part, whose files cost as much as several of them, if so many parts
are left to share."""

_SHORT = 20_000
"""Loan-days of a short run, which takes some milliseconds where nobody is asked ..."""

_AS_LONG = {"agreement", "agreements", "close_out", "costs", "defaults", "loan", "money", "prices"}
"""... and so do runs that differ in fields of these tables."""


@dataclass(frozen=True)
class Plan:
    """Everything that is known about an experiment before its first run.

    Runs are numbered `scenario_id * replications + replication_id`.
    """

    experiment: Experiment
    designs: list[Design]

    @classmethod
    def of(cls, experiment: Experiment) -> Plan:
        """Plan an experiment."""
        return cls(experiment, designs_of(experiment))

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.designs) * self.experiment.replications

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables to write, in the order of `TABLES`."""
        return tuple(
            table for table in TABLES if table in ("runs", "days", *self.experiment.tables)
        )

    @cached_property
    def part_size(self) -> int:
        """Runs in a part."""
        shared, brief = -(-self.runs // _PARTS), min(_BRIEF, self.runs // _LEAST_PARTS)
        return min(LARGEST_PART, brief if brief > shared and self._is_brief else shared)

    @property
    def _is_brief(self) -> bool:
        """Whether all runs are surely short, as far as can be told without one."""
        experiment = self.experiment
        changed = {name.split(".")[0] for design in self.designs for name in design.changes}
        if set(self.tables) != {"runs", "days"} or not changed <= _AS_LONG:
            return False
        scenario, people = experiment.scenario, experiment.scenario.participants
        others: list[object] = [people.behaviour, people.given, scenario.rules, scenario.measures]
        others += [scenario.balance, scenario.book, scenario.fees]
        plain = scenario.ledger == "columns" and people.delivery == "priority"
        number = people.lenders + people.borrowers + people.dealers
        if any(others) or not plain or number > _SHORT:
            return False
        try:
            drawn = draw_blueprint(
                self.scenario(self.designs[0]), Streams.spawn(seed_of(experiment, 0))
            )
        except InputError:
            return False
        return len(drawn.books.loans) * len(drawn.days) <= _SHORT

    @property
    def factor_names(self) -> list[str]:
        """Names of what varies."""
        return list(self.designs[0].factors)

    def scenario(self, design: Design) -> Scenario:
        """The scenario of a design.

        Raises:
            InputError: the changes do not make a valid one.
        """
        experiment = self.experiment
        return experiment.scenario.with_changes(design.changes, experiment.folder)

    def parts(self, runs: Iterable[int]) -> Iterator[list[int]]:
        """Cut runs, in rising order, into parts: of the same multiple of the size of a part."""
        part: list[int] = []
        for run in runs:
            if part and run // self.part_size != part[0] // self.part_size:
                yield part
                part = []
            part.append(run)
        if part:
            yield part

    @cached_property
    def factor_types(self) -> dict[str, pa.DataType]:
        """The Parquet type of each factor."""
        return {
            name: factor_type(design.factors[name] for design in self.designs)
            for name in self.factor_names
        }

    @property
    def fingerprint(self) -> str:
        """What two experiments have in common only if their tables are the same."""
        content = [
            self.experiment.scenario.model_dump(mode="json", exclude_unset=True),
            [design.changes for design in self.designs],
            [design.factors for design in self.designs],
            self.experiment.replications,
            *([self.experiment.paths] if self.experiment.paths else []),
            self.experiment.seed,
            self.tables,
        ]
        return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]

    def check(self) -> None:
        """See that at least one design can be simulated; the others fail run by run.

        Raises:
            InputError: none can; the message says why the first one cannot. Or a factor changes
                nothing.
        """
        refuse_one_market_under_two_names(self.designs)
        first: InputError | None = None
        for design in self.designs:
            try:
                _check(self.scenario(design), seed_of(self.experiment, 0))
            except InputError as error:
                first = first or error
            else:
                return
        assert first is not None
        if len(self.designs) == 1:
            raise first
        raise InputError(f"none of the {len(self.designs)} designs can be simulated; {first}")

    @cached_property
    def tokens(self) -> list[str]:
        """The tokens of all designs, in the order in which they come, if a table names them."""
        if "loans" not in self.tables:
            return []
        tokens: dict[str, None] = {}
        seen = set()
        for design in self.designs:
            relevant = {
                name: value
                for name, value in design.changes.items()
                if name.split(".")[0] in ("prices", "money")
            }
            key = json.dumps(relevant, default=str)
            if key in seen:
                continue
            seen.add(key)
            try:
                scenario = self.experiment.scenario.with_changes(relevant, self.experiment.folder)
            except InputError:
                continue
            tokens.update(dict.fromkeys((*scenario.prices.tokens, scenario.money.currency)))
        return list(tokens)


def _check(scenario: Scenario, seed: RunSeed) -> None:
    """Build what a market is built from, without the market: that would compile its passes.

    Raises:
        InputError: the scenario cannot be simulated.
    """
    with named(scenario.name):
        population = draw_blueprint(scenario, Streams.spawn(seed)).population
        given = population.given.values()
        if scenario.participants.behaviour or any(each.behaviour for each in given):
            from abm.agents.behaviour import classes_for

            classes_for(scenario, population, {})


def seed_of(experiment: Experiment, replication: int) -> RunSeed:
    """The seed of all runs of a replication, whatever their design: common random numbers."""
    return RunSeed(experiment.seed, *experiment.network_and_path(replication))


def factor_cell(value: Any, kind: pa.DataType) -> Any:
    """A factor's value as its column holds it."""
    if kind == pa.string() and not isinstance(value, str):
        return json.dumps(value, default=str)
    return value
