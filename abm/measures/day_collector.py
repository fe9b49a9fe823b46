"""Mesa's collector for a market, whose statistics of a day are made all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.measures.daily import WRITTEN
from abm.measures.measure import COUNT, Measure
from scenarios.errors import InputError
from scenarios.kept import shared

Floats = npt.NDArray[np.float64]

NOTHING: Mapping[str, float] = MappingProxyType({})


class DayCollector(mesa.DataCollector):
    """Keeps the statistics of each day in columns, to be had with `get_model_vars_dataframe()`.

    Lists of them, as Mesa has them, are made when somebody looks. Reporters of one's own that are
    added to it are asked as Mesa does.
    """

    def __init__(self, measures: Sequence[Measure], days: int) -> None:
        """Make room for so many days of some measures."""
        self.measures = measures
        self.days = 0
        """Days recorded so far."""
        self._values = np.zeros((len(measures), days))
        self._told: dict[str, list[Any]] = {}
        self._of_reporters: dict[str, list[Any]] = {}
        self._rows, self._written = shared(measures).get("rows", lambda: _rows(measures))
        super().__init__()

    @property
    def values(self) -> Floats:
        """What was measured so far, shape (measures, days)."""
        return self._values[:, : self.days]

    @property
    def model_vars(self) -> dict[str, list[Any]]:
        """Values day by day, by the name of the measure or reporter."""
        if not self._told:
            self._told = {measure.name: [] for measure in self.measures} | self._of_reporters
        for measure, row in zip(self.measures, self.values, strict=True):
            told = self._told[measure.name]
            if len(told) < self.days:
                told += typed(measure, row[len(told) :]).tolist()
        return self._told

    @model_vars.setter
    def model_vars(self, of_reporters: dict[str, list[Any]]) -> None:
        self._told, self._of_reporters = {}, of_reporters

    @property
    def today(self) -> dict[str, float]:
        """The measures of the newest day by name."""
        newest = self.values[:, -1]
        return {one.name: typed(one, newest[row]).item() for row, one in enumerate(self.measures)}

    def add(self, written: Floats, others: Mapping[str, float] = NOTHING) -> None:
        """Add some days in a row.

        Args:
            written: what `WRITTEN` names, shape (days, numbers).
            others: the further measures of these days, by name; 0 for those that are not there.

        Raises:
            InputError: a count that is no number.
        """
        days = slice(self.days, self.days + len(written))
        self._values[self._written, days] = written.T
        for name, value in others.items():
            row = self._rows[name]
            if self.measures[row].unit == COUNT and not np.isfinite(value):
                raise InputError(f"measures: {name} is a count, and gave {value}")
            self._values[row, days] = value
        self.days += len(written)

    @property
    def asks(self) -> bool:
        """Whether there are reporters of one's own, which Mesa asks every day."""
        return bool(self.model_reporters or self.agent_reporters or self.agenttype_reporters)

    def collect(self, model: Any) -> None:
        """Ask the reporters of one's own, if there are any; the market adds the measures itself."""
        if self.asks:
            super().collect(model)

    def get_model_vars_dataframe(self) -> pd.DataFrame:
        """One row a day, one column a measure or reporter."""
        return pd.DataFrame(self.model_vars)


def _rows(measures: Sequence[Measure]) -> tuple[dict[str, int], npt.NDArray[np.int64]]:
    """The row of each measure, and the rows of what is written compiled."""
    rows = {measure.name: row for row, measure in enumerate(measures)}
    return rows, np.array([rows[name] for name in WRITTEN])


def typed(measure: Measure, values: Any) -> npt.NDArray[Any]:
    """Values of a measure as its column holds them: counts are whole numbers."""
    return values.astype(np.int64) if measure.unit == COUNT else values
