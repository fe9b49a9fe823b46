"""What agents see of the market that they act in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.events import EventRecorder
from abm.books.ledger import Ledger
from abm.books.population import Population
from abm.books.sheet import Sheet
from abm.books.standing import Standing
from scenarios.assets import AssetColumns

Ints = npt.NDArray[np.int64]


class Market(Protocol):
    """A market as its agents see it; `CollateralMarket` is one."""

    day: int
    tokens: tuple[str, ...]
    """Names of the ledger's columns; the last one is cash."""
    unit: float
    """The smallest money unit."""
    assets: AssetColumns
    """What the scenario's classes of assets say of each token."""
    population: Population
    books: Books
    ledger: Ledger
    standing: Standing
    sheet: Sheet | None
    """Balance sheets, if any are kept."""
    events: EventRecorder
    earnings: Any
    """What loans have earned, if that is counted."""
    first_loan: Ints
    """Identifier of the first loan of each margin account."""

    @property
    def participants(self) -> Mapping[str, Any]:
        """The agents that lend and borrow, by name."""

    @property
    def prices(self) -> Ints:
        """Published prices of the day, in money units, shape (tokens,)."""

    @property
    def market_prices(self) -> Ints:
        """True prices of the day, in money units, shape (tokens,)."""
