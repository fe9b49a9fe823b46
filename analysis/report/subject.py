"""What a report is about: the runs, which factors vary, and which statistics say something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.labels import (
    Scale,
    cell_label,
    design_label,
    factor_label,
    level_label,
    metric_label,
    scale_of,
)
from analysis.meanings import FACTOR
from analysis.results import Results
from analysis.summary import headlines
from analysis.variance import NETWORK, ONE_HISTORY_WORDS, PATH, contained, is_crossed, sources

RISKS = (
    "uncollateralised_before_bp_mean",
    "requirement_shortfall_mean",
    "absolute_gap_mean",
    "over_collateralisation_mean",
)
OPERATIONS = ("margin_calls", "transfers", "deliveries", "returns", "delivery_call_value")
LOSS = "close_out_loss"
COLLATERAL = "collateral_value_mean"
HAIR = 1e-6
"""Part of what is lent: less than that is rounding."""

TIED_UP = 0.005
"""Part of what is lent: designs whose collateral differs by less tie up the same."""

FEW = 8
"""Levels that can be told apart in one figure."""

DAY_ROWS = 2_000_000
"""Rows of days that are read; of larger experiments the first replications."""


@dataclass
class Subject:
    """The runs of a report and how to speak about them."""

    results: Results
    triggers: Mapping[Any, float] = field(default_factory=dict)
    """Margin call threshold of each design, where it is known."""

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The finished runs."""
        return self.results.runs

    @cached_property
    def factors(self) -> list[str]:
        """Columns of what varies between the finished runs."""
        from analysis.results import varied_factors

        return varied_factors(self.runs)

    @cached_property
    def designs(self) -> int:
        """Number of designs with finished runs."""
        return int(self.runs["scenario_id"].nunique())

    @cached_property
    def replications(self) -> int:
        """Largest number of runs of a design."""
        return int(self.runs.groupby("scenario_id").size().max())

    @cached_property
    def crossed(self) -> bool:
        """Whether networks and price paths are drawn apart."""
        return is_crossed(self.runs)

    @cached_property
    def sources(self) -> str:
        """A sentence on what intervals contain."""
        designs = self.runs.groupby("scenario_id", sort=False)
        return contained(sources(runs) for _, runs in designs)

    def history(self, runs: pd.DataFrame) -> str:
        """A remark on figures and tables of some runs whose prices are one history, or nothing."""
        told = sources(runs)
        if told.endswith(ONE_HISTORY_WORDS):
            some = " in part" if "some of" in told else ""
            return f" Prices are {ONE_HISTORY_WORDS}{some}."
        return ""

    @cached_property
    def currency(self) -> str:
        """Name of the money; nothing if designs differ in it."""
        return str(self.results.manifest.get("currency") or "")

    @cached_property
    def risk(self) -> str:
        """The statistic of risk that tells designs (or runs) apart."""
        return self._telling(RISKS)

    @cached_property
    def operations(self) -> str:
        """The statistic of operations that tells designs (or runs) apart."""
        return self._telling(OPERATIONS)

    def _telling(self, candidates: Sequence[str]) -> str:
        there = [name for name in candidates if name in self.runs]
        between = self.runs.groupby("scenario_id")[there].mean()
        for name in there:
            spread = between[name].max() - between[name].min()
            counted = self.results.meanings[name].unit == "count"
            if spread > self.grain(name) or (spread > 0 and counted):
                return name
        return next((name for name in there if self.runs[name].any()), there[0])

    def grain(self, name: str) -> float:
        """Differences of a statistic of risk below this are rounding."""
        meaning = self.results.meanings.get(name)
        whole = 1e4 if meaning is not None and meaning.unit == "bp" else self.lent
        return HAIR * whole

    @cached_property
    def lent(self) -> float:
        """What is lent on average over days and runs."""
        return float(self.runs["exposure_mean"].mean())

    @cached_property
    def risks(self) -> list[str]:
        """The statistic of risk, and losses where there are any."""
        return [self.risk, *(name for name in [LOSS] if self.runs[name].any())]

    @cached_property
    def costs(self) -> list[str]:
        """The statistic of operations, and the collateral tied up where designs differ in it."""
        tied = self.runs.groupby("scenario_id")[COLLATERAL].mean()
        differs = tied.max() - tied.min() > TIED_UP * self.lent
        return [self.operations, *(name for name in [COLLATERAL] if differs)]

    @cached_property
    def headlines(self) -> list[str]:
        """The statistics worth a column."""
        return headlines(self.runs)

    @cached_property
    def columns(self) -> list[str]:
        """The statistics that tables show: those of risk and operations first."""
        return list(dict.fromkeys([*self.risks, self.operations, *self.headlines]))[:9]

    @cached_property
    def groupable(self) -> list[str]:
        """Factors with few levels: the paper's models first, then what moves risk most."""
        few = [name for name in self.factors if 2 <= self.runs[name].nunique() <= FEW]

        def order(name: str) -> tuple[bool, bool, float]:
            means = self.runs.groupby(name)[self.risk].mean()
            spread = float(means.max() - means.min())
            return factor_label(name) != "model", name not in self.policies, -spread

        return sorted(few, key=order)

    @cached_property
    def policies(self) -> list[str]:
        """Factors that somebody can choose: terms of the agreement and inventories, not prices.

        Told by the fields that change with a factor; by its name where designs do not show it.
        """
        designs = self.results.manifest.get("designs") or []
        return [name for name in self.factors if _is_policy(name, designs)]

    @property
    def series(self) -> str | None:
        """The factor that figures tell apart by colour."""
        return self.groupable[0] if self.groupable else None

    @property
    def numeric(self) -> list[str]:
        """Factors that are numbers."""
        return [
            name
            for name in self.factors
            if pd.api.types.is_numeric_dtype(self.runs[name])
            and not pd.api.types.is_bool_dtype(self.runs[name])
        ]

    def is_count(self, name: str) -> bool:
        """Whether a statistic is a whole number of something."""
        known = self.results.meanings.get(name)
        return known is not None and known.unit == "count"

    def scale(self, name: str, values: Any = None) -> Scale:
        """How to show numbers of a statistic."""
        numbers = np.asarray(self.runs[name] if values is None else values, np.float64)
        finite = np.abs(numbers[np.isfinite(numbers)])
        largest = float(finite.max()) if len(finite) else 0.0
        return scale_of(self.results.meanings.get(name), largest, self.currency)

    def amount(self, name: str, value: float) -> str:
        """A number with its unit: "3.2 thousand USD"; a mere number of a count."""
        scale = self.scale(name, [value])
        unit = "" if scale.unit in ("number", "") else f" {scale.unit}"
        return f"{cell_label(value / scale.divisor)}{unit}"

    def interval(self, name: str, mean: float, low: float = np.nan, high: float = np.nan) -> str:
        """A mean with its interval, in the statistic's scale, without unit.

        There is none where its ends are the mean to the digits shown.
        """
        divisor = self.scale(name).divisor
        text, *ends = (cell_label(number / divisor) for number in (mean, low, high))
        if not (np.isfinite(low) and np.isfinite(high)) or ends == [text, text]:
            return text
        return f"{text} ({ends[0]} to {ends[1]})"

    def heading(self, name: str) -> str:
        """A statistic's name with its unit, for the head of a column."""
        scale = self.scale(name)
        return metric_label(name) if scale.unit == "number" else scale.axis(metric_label(name))

    def design(self, row: Mapping[str, Any]) -> str:
        """What tells a design apart, in words."""
        return design_label(row, [name for name in self.factors if name in row])

    def level(self, factor: str, level: Any) -> str:
        """One level of a factor in words."""
        return level_label(factor, level)

    def days(self, columns: Sequence[str]) -> tuple[pd.DataFrame, str]:
        """Days of all runs with the factors, and a remark if they are not all."""
        table = self.results.days
        rows = len(table)
        wanted, remark = None, ""
        if rows > DAY_ROWS:
            replications = sorted(self.runs["replication_id"].unique())
            keep = max(1, int(len(replications) * DAY_ROWS / rows))
            wanted = replications[:keep]
            remark = f" Of the first {keep} of {len(replications)} replications."
        frame = table.frame(columns, replications=wanted)
        frame = frame[frame["scenario_id"].isin(self.runs["scenario_id"])]
        factors = self.runs.drop_duplicates("scenario_id")[["scenario_id", *self.factors]]
        frame = frame.merge(factors, on="scenario_id", how="left")
        if self.crossed:
            keys = ["scenario_id", "replication_id"]
            frame = frame.merge(self.runs[[*keys, NETWORK, PATH]], on=keys, how="left")
        return frame, remark


_CHOSEN = (
    "agreement",
    "rules",
    "model",
    "haircut",
    "trigger",
    "margin_percentage",
    "settlement_lag",
)
_INVENTORY = (
    "prefunded_inventory",
    "issuance_capacity",
    "minting_days",
    "reuse_rate",
    "delivery",
)


def _is_policy(factor: str, designs: Sequence[Mapping[str, Any]]) -> bool:
    short = factor.removeprefix(FACTOR)
    seen: dict[str, tuple[Any, Mapping[str, Any]]] = {}
    for design in designs:
        values, changes = design["factors"], design["changes"]
        rest = repr({name: value for name, value in values.items() if name != short})
        value, before = seen.setdefault(rest, (values.get(short), changes))
        if value != values.get(short):
            fields = {
                name
                for name in {*before, *changes}
                if before.get(name, _NOTHING) != changes.get(name, _NOTHING)
            }
            return all(_is_chosen(name) for name in fields)
    return _is_chosen(short)


_NOTHING = object()


def _is_chosen(field: str) -> bool:
    return field.split(".")[0] in _CHOSEN or field.rsplit(".", 1)[-1] in _INVENTORY
