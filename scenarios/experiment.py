"""An experiment: a scenario, what varies in it and how, and how often each design is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from scenarios.changes import keeping
from scenarios.checking import checked
from scenarios.errors import InputError, nearest
from scenarios.factors import MOST_DESIGNS, Factors, read_changes, read_factors
from scenarios.fields import as_changes
from scenarios.scenario import LIBRARY, Scenario, bundled, find_file, read_toml
from scenarios.table import Table

EXPERIMENTS = LIBRARY / "experiments"
"""Where the bundled experiments are."""

OptionalTable = Literal["events", "participants", "loans", "exposures"]

SEEDS = 2**63
"""Seeds are whole numbers below this, so that a column of results can hold them."""


class Settings(Table):
    """The `[experiment]` table: a file that has one is an experiment and not a scenario."""

    scenario: str | dict[str, Any]
    """A bundled scenario, a file (relative to the experiment's), or a scenario's table itself."""
    replications: Annotated[int, Field(ge=1)] = 1
    """Runs of every design, each with random numbers of its own."""
    networks: Annotated[int, Field(ge=1)] | None = None
    """Networks, each of which is run on every price path, instead of `replications`; 1 if only
    `paths` is given."""
    paths: Annotated[int, Field(ge=1)] | None = None
    """Price paths, each of which is run on every network; 1 if only `networks` is given."""
    seed: Annotated[int, Field(ge=0, lt=SEEDS)] = 1
    samples: Annotated[int, Field(ge=1, le=MOST_DESIGNS)] | None = None
    """Number of points at which the ranges without `levels` are sampled."""
    sampling: Literal["latin-hypercube", "sobol", "saltelli", "morris"] = "latin-hypercube"
    """Two designs that fill the space, and two for sensitivity indices, which take more points:
    with k ranges and N = `samples`, `saltelli` N·(k + 2) and `morris` N·(k + 1)."""
    tables: tuple[OptionalTable, ...] = ()
    """Tables to write beside `runs` and `days`."""


class ExperimentFile(Table):
    """An experiment file as it is written.

    The designs are all combinations of: the levels of `factors`, the names in `alternatives`, the
    rows of `designs`, and the sampled points.
    """

    title: str = ""
    """What it shows, in one line."""
    name: str = "unnamed"
    experiment: Settings
    changes: dict[str, Any] = Field(default_factory=dict)
    """Fields of the scenario that are different in all designs."""
    factors: dict[str, Any] = Field(default_factory=dict)
    """By the dotted name of a field: a list of values, or a `Range`."""
    alternatives: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    """By factor and name of the alternative: the fields that it sets."""
    designs: list[dict[str, Any]] | str = Field(default_factory=list)
    """Designs one by one, or a CSV file with a column a field."""


@dataclass(frozen=True)
class Experiment:
    """A checked experiment."""

    name: str
    title: str
    scenario: Scenario
    """What is varied."""
    factors: Factors = field(default_factory=Factors)
    replications: int = 1
    networks: int | None = None
    """Crossed with `paths`: runs of a design are then all pairs, and `replications` their number.
    None where each replication has a network and a path of its own."""
    paths: int | None = None
    seed: int = 1
    samples: int | None = None
    sampling: str = "latin-hypercube"
    tables: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    """Fields that were set on purpose for all designs: no model replaces them."""
    folder: Path = field(default_factory=Path.cwd)
    """What relative paths in designs are relative to."""
    table: dict[str, Any] | None = None
    """The file; None for a plain scenario."""

    def network_and_path(self, replication: int) -> tuple[int, int]:
        """Whose network and whose price path a replication has; paths vary fastest."""
        return divmod(replication, self.paths) if self.paths else (replication, replication)

    @classmethod
    def single(cls, scenario: Scenario, **settings: Any) -> Experiment:
        """A scenario as it is, run once if `replications` is not among the settings."""
        return cls(scenario.name, scenario.title, scenario, **settings)

    @classmethod
    def parse(cls, table: Mapping[str, Any], origin: str, folder: Path | None = None) -> Experiment:
        """Check a table and make it an experiment, as `Scenario.parse` does with a scenario."""
        folder = folder or Path.cwd()
        file = checked(ExperimentFile, table, origin, folder)
        settings = file.experiment
        try:
            changes = read_changes(file.changes)
            factors = read_factors(file.factors, file.alternatives, file.designs, folder)
            _check_samples(settings, factors)
        except InputError as error:
            raise InputError(f"{origin}: {error}") from None
        return cls(
            name=file.name,
            title=file.title,
            scenario=_scenario(settings.scenario, origin, folder).with_changes(
                changes, folder, f"{origin}: changes"
            ),
            factors=factors,
            kept=frozenset(changes),
            folder=folder,
            table=dict(table),
            **{**settings.model_dump(exclude={"scenario"}), **_crossed(settings, origin)},
        )

    @classmethod
    def load(cls, name: str | Path) -> Experiment:
        """Read an experiment file, or a bundled experiment by its name.

        Raises:
            InputError: no such experiment, not TOML, or a key that is wrong.
        """
        path = find_either(name)
        return cls.parse(read_toml(path), str(path), path.parent)

    def with_settings(self, changes: Mapping[str, Any], **settings: Any) -> Experiment:
        """The experiment with fields of its scenario replaced, and settings that are not None.

        Raises:
            InputError: no such field or table, a value that it cannot have, or a field that varies.
        """
        fields = as_changes(changes)
        for name in fields:
            if name in self.factors.fields:
                raise InputError(f"{name}: varies in {self.name}, and cannot be set beside that")
        given = {name: value for name, value in settings.items() if value is not None}
        for table in given.get("tables", ()):
            if table not in get_args(OptionalTable):
                known = ", ".join(get_args(OptionalTable))
                near = nearest(table, get_args(OptionalTable))
                raise InputError(f"tables: no table {table}{near} (known: {known})")
        if not 0 <= given.get("seed", 0) < SEEDS:
            raise InputError(f"seed: expected 0 to {SEEDS - 1} (it is {given['seed']})")
        given |= self._crossed_anew(given)
        scenario = self.scenario
        if fields:
            changes = keeping(fields, scenario, self.kept)
            scenario = scenario.with_changes(changes, origin=self.name)
        return replace(self, scenario=scenario, kept=self.kept | fields.keys(), **given)

    def _crossed_anew(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Networks and paths after some settings; either way of counting replaces the other.

        Raises:
            InputError: both are given.
        """
        crossed = {"networks", "paths"} & given.keys()
        if "replications" in given:
            if crossed:
                raise InputError("replications: give them, or networks and paths")
            return {"networks": None, "paths": None}
        if not crossed:
            return {}
        for name in crossed:
            if given[name] < 1:
                raise InputError(f"{name}: expected 1 or more (it is {given[name]})")
        return _pairs(
            given.get("networks") or self.networks or 1, given.get("paths") or self.paths or 1
        )


def bundled_experiments() -> dict[str, Path]:
    """The bundled experiments by name."""
    return {path.stem: path for path in sorted(EXPERIMENTS.glob("*.toml"))}


def load_either(name: str | Path) -> Scenario | Experiment:
    """A scenario or an experiment, whichever the file or the bundled name is.

    Raises:
        InputError: neither, or the file is wrong.
    """
    path = find_either(name)
    if "experiment" in read_toml(path):
        return Experiment.load(path)
    return Scenario.load(path)


def find_either(name: str | Path) -> Path:
    """The file of a scenario or an experiment, given by its path or by a bundled name.

    Raises:
        InputError: there is neither.
    """
    known = {**bundled(), **bundled_experiments()}
    return find_file(name, known, "scenario or experiment")


def _scenario(given: str | dict[str, Any], origin: str, folder: Path) -> Scenario:
    if isinstance(given, dict):
        return Scenario.parse(given, f"{origin}: experiment.scenario", folder)
    beside = folder / given
    try:
        return Scenario.load(beside if beside.is_file() else given)
    except InputError as error:
        raise InputError(f"{origin}: experiment.scenario: {error}") from None


def _crossed(settings: Settings, origin: str) -> dict[str, int]:
    """Networks, paths and the number of their pairs, if the runs are pairs."""
    if settings.networks is None and settings.paths is None:
        return {}
    if "replications" in settings.model_fields_set:
        raise InputError(
            f"{origin}: experiment: replications draw networks and prices together, networks and"
            " paths cross them; give one or the other"
        )
    return _pairs(settings.networks or 1, settings.paths or 1)


def _pairs(networks: int, paths: int) -> dict[str, int]:
    return {"networks": networks, "paths": paths, "replications": networks * paths}


def _check_samples(settings: Settings, factors: Factors) -> None:
    sampled = list(factors.sampled)
    if sampled and settings.samples is None:
        raise InputError(
            f"factors: {sampled[0]}: a range needs levels = N, or samples = N in [experiment]"
        )
    if settings.samples is None:
        return
    if not sampled:
        raise InputError("experiment.samples: there is no range to sample")
    balanced = settings.sampling in ("sobol", "saltelli")
    if balanced and settings.samples & (settings.samples - 1):
        raise InputError(
            "experiment.samples: Sobol points are balanced in powers of two only: 64, 128, …"
            f" (it is {settings.samples})"
        )
    if settings.sampling in ("saltelli", "morris") and len(sampled) < 2:
        raise InputError(
            f'experiment.sampling: "{settings.sampling}" compares ranges, and there is only one'
        )
