"""What the tables are made of: a market, as far as they look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.books import Books
from abm.books.events import EventRecorder
from abm.books.ledger import Ledger
from abm.books.population import Population
from abm.books.sheet import Sheet
from abm.books.standing import Standing
from abm.measures.day_collector import DayCollector
from abm.measures.exposures import Exposures
from abm.measures.measure import Measure
from abm.tables.snapshot import Closing, Snapshot

Ints = npt.NDArray[np.int64]


class Source(Protocol):
    """A market of which tables are made; `CollateralMarket` is one."""

    day: int
    tokens: tuple[str, ...]
    days: pd.DatetimeIndex
    unit: float
    books: Books
    ledger: Ledger
    population: Population
    standing: Standing
    sheet: Sheet | None
    events: EventRecorder
    measures: Sequence[Measure]
    exposures: Exposures
    datacollector: DayCollector
    first_loan: Ints
    final: Snapshot | None

    @property
    def participants(self) -> Mapping[str, Any]:
        """The agents that lend and borrow, by name."""

    @property
    def phases(self) -> Closing:
        """What moves tokens."""

    @property
    def prices(self) -> Ints:
        """Published prices of the day, in money units, shape (tokens,)."""

    def loans_frame(self) -> pd.DataFrame:
        """Every loan."""

    def participants_frame(self) -> pd.DataFrame:
        """Every participant."""
