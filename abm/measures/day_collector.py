"""Mesa's collector for a market, whose statistics of a day are made all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import mesa
import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.measures.measure import COUNT, Measure
from scenarios.errors import InputError

Floats = npt.NDArray[np.float64]


class Measured(Protocol):
    """A market that has just measured a day."""

    today: Mapping[str, float]
    """Its measures by name."""


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
        self._own_counts = [
            row for row, one in enumerate(measures) if one.of is not None and one.unit == COUNT
        ]
        super().__init__()

    @property
    def values(self) -> Floats:
        """What was measured so far, shape (measures, days)."""
        return self._values[:, : self.days]

    @property
    def model_vars(self) -> dict[str, list[Any]]:
        """Values day by day, by the name of the measure or reporter."""
        for measure, row in zip(self.measures, self.values, strict=True):
            told = self._told[measure.name]
            if len(told) < self.days:
                told += typed(measure, row[len(told) :]).tolist()
        return self._told

    @model_vars.setter
    def model_vars(self, of_reporters: dict[str, list[Any]]) -> None:
        self._told = {measure.name: [] for measure in self.measures} | of_reporters

    def collect(self, model: Measured) -> None:
        """Add the day that the market has just measured.

        Raises:
            InputError: a count that is no number.
        """
        today = [model.today[measure.name] for measure in self.measures]
        for row in self._own_counts:
            if not np.isfinite(today[row]):
                name = self.measures[row].name
                raise InputError(f"measures: {name} is a count, and gave {today[row]}")
        self._values[:, self.days] = today
        self.days += 1
        if self.model_reporters or self.agent_reporters or self.agenttype_reporters:
            super().collect(model)

    def get_model_vars_dataframe(self) -> pd.DataFrame:
        """One row a day, one column a measure or reporter."""
        return pd.DataFrame(self.model_vars)


def typed(measure: Measure, values: Floats) -> npt.NDArray[Any]:
    """Values of a measure as its column holds them: counts are whole numbers."""
    return values.astype(np.int64) if measure.unit == COUNT else values
