"""A day: what a ledger has to be able to do for a market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from abm.agents.clearing_house import ClearingHouse
from abm.agents.market import Market
from abm.agents.participant import Participant
from abm.books.later import Later
from abm.books.ledger import Holdings
from abm.books.sheet import Policies
from abm.day.close_out_result import CloseOutResult
from abm.day.stretch import Stretch
from abm.rules.price_impact import MarketImpact
from scenarios.assets import AssetColumns
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class LaterLoans(Protocol):
    """Loans that begin in the course of the simulation."""

    columns: Later


class Renewal(Protocol):
    """What knows under which agreements loans begin."""

    def renew(self) -> None:
        """Put accounts without an open loan under the agreements of today."""


class Setting(Market, Protocol):
    """A market as its day sees it."""

    scenario: Scenario
    kinds: Sequence[type[Participant]]
    """The class of each participant."""
    path: Ints
    """True prices before the impact of any sale, in money units, shape (days, tokens)."""
    impact: MarketImpact
    policies: Policies | None
    """What the scenario says of balance sheets; None where none are kept."""
    assets: AssetColumns
    clearing_house: ClearingHouse
    at_maturity: Ints
    """For each loan 0 to settle, 1 to roll, 2 to replace it."""
    later_loans: LaterLoans
    lent_moves: bool
    """Whether anything but cash is lent, so that exposures change with prices."""

    @property
    def agreements(self) -> Renewal:
        """The agreements as they stand today."""

    @property
    def path_day(self) -> int:
        """The row of `path` that holds today's prices."""


class Day(Protocol):
    """The phases of a day, in their order, and what else moves tokens.

    Columns (`abm.day.columns`) and contracts (`abm.chain.day`) implement it. Whoever does keeps the
    market's books such that every table comes out the same.
    """

    def open_loans(self, rows: Ints, posted: Ints) -> None:
        """Open loans that begin today against what is `posted`, shape (rows, tokens)."""

    def run_days(self, last: int) -> Stretch | None:
        """Simulate and measure days at once up to `last`, as far as nobody need be asked.

        None where that cannot be: the market then goes through the phases of the day.
        """

    def trade(self) -> None:
        """Have participants sell and buy outside the ledger, before prices are published."""

    def mark(self) -> None:
        """Mark what is lent, and balance sheets, to the day's published prices."""

    def measure_before(self) -> None:
        """Take down what lenders stand to lose now, before any movement (`books.before`)."""

    def receive_minted(self) -> None:
        """Issue the tokens whose minting takes until today."""

    def settle(self) -> None:
        """Settle all that is due today: instructions first, then loans."""

    def recall(self, chosen: Bools) -> None:
        """Recall open-ended loans, with the scenario's notice; shape (loans,), empty for none."""

    def call_and_return(self) -> None:
        """Value the collateral, trigger calls, and have lenders return what is in excess."""

    def deliver(self) -> None:
        """Have borrowers deliver what they are called for."""

    def close_out(self, exogenous: Ints) -> CloseOutResult:
        """Declare defaults, also those from outside (rows of participants), and go on selling."""

    @property
    def closing(self) -> Mapping[int, int]:
        """Accounts in close-out by row, and what their collateral has fetched so far."""

    def conclude(self) -> None:
        """Settle what ends with the window, and redeem the tokens that nobody needs any more."""

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Issue tokens to a participant against a deposit."""

    def burn(self, row: int, token: int, quantity: int) -> None:
        """Take tokens of a participant back, and give it the assets behind them."""

    def check(self) -> Holdings:
        """Check that no token has been lost or made on the way, and tell what there is.

        Raises:
            LedgerError: one has.
        """

    @property
    def substituted(self) -> tuple[int, int]:
        """Accounts whose collateral was exchanged today, and the market value of what went back in
        money units; none where nobody does."""

    def gas_today(self) -> int:
        """Gas of the day's transactions; 0 where there are none."""
