"""What an experiment would simulate, and what that would take, told from a few of its markets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from abm.commands.terminal import described, duration, size, wrapped
from abm.experiments.engine import cores
from abm.experiments.plan import Plan, seed_of
from abm.model import CollateralMarket
from abm.opening.streams import RunSeed
from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.participants import Role
from scenarios.scenario import Scenario

PATIENCE = 0.5
"""Seconds of simulated days from which the time of a day is told."""

FEWEST = 3
"""Days at least: the first one may do what others need not."""

AGAIN = 2.0
"""Seconds of an opening up to which a market is built twice: the first one loads what the second
one has."""

ROLES: tuple[Role, ...] = ("lender", "borrower", "dealer")


@dataclass(frozen=True)
class Sample:
    """One market that was built."""

    design: int
    first_day: str
    last_day: str
    days: int
    participants: dict[Role, int]
    """Their number by role."""
    loans: int
    margin_accounts: int
    tokens: tuple[str, ...]
    cash: str
    books: int
    """Bytes of its books."""
    opening: float
    """Seconds until its first day was open."""
    day: float
    """Seconds a day."""
    measured_days: int

    @property
    def seconds(self) -> float:
        """Seconds of a run."""
        return self.opening + self.day * (self.days - 1)


@dataclass(frozen=True)
class Preview:
    """What an experiment comes to."""

    name: str
    title: str
    factors: dict[str, int]
    """Number of values of what varies, by name."""
    designs: int
    replications: int
    samples: list[Sample]
    """Some of its markets."""
    refused: dict[str, int]
    """Why designs cannot be simulated, and how many it is of which."""
    process: int
    """Bytes of a process that simulates one."""
    cores: int

    @property
    def runs(self) -> int:
        """Runs in all."""
        return self.designs * self.replications

    @property
    def seconds(self) -> float:
        """Seconds of a run, in the mean of the samples."""
        return float(np.mean([sample.seconds for sample in self.samples]))

    def as_table(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {**asdict(self), "runs": self.runs, "seconds_a_run": self.seconds}

    def as_text(self) -> str:
        """All of it, for a terminal."""
        entries = {}
        if self.runs > 1:
            levels = ", ".join(f"{name} ({number})" for name, number in self.factors.items())
            entries["designs"] = f"{self.designs:,}" + (f": {levels}" if levels else "")
            entries["runs"] = f"{self.runs:,}: {self.replications:,} of each design"
        first, last = (
            pick(getattr(sample, field) for sample in self.samples)
            for pick, field in ((min, "first_day"), (max, "last_day"))
        )
        entries["days"] = f"{self._range('days')}: {first} to {last}"
        roles = [f"{self._role(role)} {role}s" for role in ROLES if self._role(role) != "0"]
        entries["participants"] = ", ".join(roles)
        entries["loans"] = (
            f"{self._range('loans')} on {self._range('margin_accounts')} margin accounts"
        )
        tokens = dict.fromkeys(token for sample in self.samples for token in sample.tokens)
        cash = dict.fromkeys(sample.cash for sample in self.samples)
        entries["tokens"] = f"{', '.join(tokens)}; cash in {' or '.join(cash)}"
        books = size(max(sample.books for sample in self.samples))
        entries["memory"] = f"{size(self.process)} a process, {books} of it for the books"
        entries["time"] = self._time()
        text = wrapped(f"{self.name}: {self.title}" if self.title else self.name, indent="  ")
        text += f"\n{described(entries)}"
        for reason, number in self.refused.items():
            refused = f"{number:,} of {self.designs:,} designs cannot be simulated: {reason}"
            text += f"\n{wrapped(refused, indent='  ')}"
        return text

    def _time(self) -> str:
        measured = ", ".join(str(sample.measured_days) for sample in self.samples)
        time = f"{duration(self.seconds)} a run"
        if self.runs > 1:
            used = min(self.cores, self.runs)
            whole = duration(self.seconds * self.runs / used)
            time += f", {whole} in all on {used} {'core' if used == 1 else 'cores'}"
        of = f" of {len(self.samples)} designs" if self.designs > 1 else ""
        return f"about {time}; told from the first {measured} days{of} on this machine"

    def _range(self, field: str) -> str:
        return _range([getattr(sample, field) for sample in self.samples])

    def _role(self, role: Role) -> str:
        return _range([sample.participants[role] for sample in self.samples])


def preview(experiment: Experiment) -> Preview:
    """Build some markets of an experiment and simulate some of their days.

    These are of the first, the middle and the last of the designs that can be simulated.

    Raises:
        InputError: none can be simulated.
    """
    plan = Plan.of(experiment)
    plan.check()
    refused: Counter[str] = Counter()
    scenarios: dict[int, Scenario] = {}
    for design in plan.designs:
        try:
            scenarios[design.scenario_id] = plan.scenario(design)
        except InputError as error:
            refused[str(error)] += 1
    numbers = list(scenarios)
    chosen = dict.fromkeys([numbers[0], numbers[len(numbers) // 2], numbers[-1]])
    samples = []
    for number in chosen:
        try:
            samples.append(_sample(number, scenarios[number], seed_of(experiment, 0)))
        except InputError as error:
            if len(plan.designs) == 1:
                raise
            refused[str(error)] += 1
    if not samples:
        raise InputError(f"none of the designs tried can be simulated; {next(iter(refused))}")
    values = {
        name: len({str(design.factors[name]) for design in plan.designs})
        for name in plan.factor_names
    }
    return Preview(
        name=experiment.name,
        title=experiment.title,
        factors=values,
        designs=len(plan.designs),
        replications=experiment.replications,
        samples=samples,
        refused=dict(refused),
        process=psutil.Process().memory_info().rss,
        cores=cores(),
    )


def _sample(number: int, scenario: Scenario, seed: RunSeed) -> Sample:
    """Build a market and simulate some of its days."""
    market, opening, day = _timed(scenario, seed)
    if opening < AGAIN:
        market.release()
        market, opening, day = _timed(scenario, seed)
    roles = dict(Counter(market.population.roles))
    sample = Sample(
        design=number,
        first_day=f"{market.days[0]:%Y-%m-%d}",
        last_day=f"{market.days[-1]:%Y-%m-%d}",
        days=len(market.days),
        participants={role: roles.get(role, 0) for role in ROLES},
        loans=len(market.books.loans),
        margin_accounts=len(market.books.accounts),
        tokens=market.tokens[:-1],
        cash=market.tokens[-1],
        books=sum(array.nbytes for array in _arrays(market.books)),
        opening=opening,
        day=day,
        measured_days=market.day,
    )
    market.release()
    return sample


def _timed(scenario: Scenario, seed: RunSeed) -> tuple[CollateralMarket, float, float]:
    """A market after some days, and the seconds of its opening and of a day.

    What has to be compiled on the way counts for neither: it is not on the next run.
    """
    from numba.core.event import TimingListener, install_listener

    compiling = TimingListener()

    def elapsed() -> float:
        return perf_counter() - (compiling.duration if compiling.done else 0.0)

    with install_listener("numba:compile", compiling):
        began = elapsed()
        market = CollateralMarket(scenario, rng=seed)
        opened = elapsed()
        while market.running and (market.day < FEWEST or elapsed() - opened < PATIENCE):
            market.step()
        return market, opened - began, (elapsed() - opened) / market.day


def _arrays(books: Any) -> Iterator[np.ndarray]:
    """The arrays of nested named tuples."""
    for part in books:
        if isinstance(part, np.ndarray):
            yield part
        elif isinstance(part, tuple):
            yield from _arrays(part)


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
