"""What loans of securities earn and cost: accruals, to the unit, and measures of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.books import Books, reinvested
from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.books.sheet import Sheet
from abm.measures.dividends import RecordDates
from abm.measures.measure import BASIS_POINTS, FLOW, MONEY, RATIO, daily
from scenarios.errors import InputError
from scenarios.fees import Fees

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PARTS = 1_000_000
"""Parts that rates for a year are kept in: hundredths of a basis point."""


def in_parts(rates: npt.ArrayLike) -> Ints:
    """Rates for a year in parts of `PARTS`, to the nearest."""
    return np.rint(np.asarray(rates, np.float64) * PARTS).astype(np.int64)


def accrue(owed: Ints, left: Ints, divisor: int) -> tuple[Ints, Ints]:
    """Whole units of what accrues, and what is left over for the next time.

    What is left over is never lost, so that accruals of any number of days add up to their sum
    rounded once: an invoice over a month is right to the unit, however often it was accrued.

    Args:
        owed: values times parts of a rate times days; may be negative.
        left: left over before, from 0 to `divisor - 1`; half of it at first, to round to the
            nearest.
        divisor: `PARTS` times the days of a year.
    """
    whole = owed + left
    return whole // divisor, whole % divisor


class Earnings:
    """What participants, agents and the outside world have earned since day 0, in money units.

    Everything of a day adds up to zero.

    Attributes:
        by_participant: earned less paid by each.
        by_agent: the share of each.
        outside: of the world outside, which pays what cash collateral earns.
        dividends: what tokens pay on record dates, if the scenario says so.
        fee, interest, reinvested, to_agents: of the last day, in all.
        days: calendar days that the last day stands for.
        lent: value of the securities on loan at its end.
    """

    def __init__(
        self,
        fees: Fees,
        books: Books,
        dates: pd.DatetimeIndex,
        rates: tuple[Floats | None, Floats],
        agent: Ints | None,
        participants: int,
    ):
        """Nothing earned yet.

        Args:
            fees: of the scenario.
            books: of the market.
            dates: of its days.
            rates: fee of each loan for a year, if loans have one; and of each token otherwise.
            agent: of each participant, -1 for none; None without agents.
            participants: how many there are.
        """
        self.fees, self.dates = fees, dates
        self._by_loan = None if rates[0] is None else in_parts(rates[0])
        self._by_token = in_parts(rates[1][:-1])
        self._agent = np.full(participants, -1, np.int64) if agent is None else agent
        reinvested = fees.benchmark if fees.reinvestment is None else fees.reinvestment
        self._cash_rates = in_parts([fees.benchmark, reinvested])
        self.divisor = PARTS * fees.day_count
        accounts = len(books.accounts)
        self._fee_left = np.full(len(books.loans), self.divisor // 2, np.int64)
        self._cash_left = np.full((2, accounts), self.divisor // 2, np.int64)
        self._share_left = np.full(accounts, PARTS // 2, np.int64)
        self.by_participant = np.zeros(participants, np.int64)
        self.by_agent = np.zeros(int(self._agent.max(initial=-1)) + 1, np.int64)
        self.dividends: RecordDates | None = None
        self.fee = self.interest = self.reinvested = self.to_agents = 0
        self.outside = self.days = self.lent = 0

    @classmethod
    def of_market(cls, market: Any, fee: Floats | None, agent: Ints | None) -> Earnings | None:
        """Those of a market, with the fee of each loan and the agent of each participant of a book;
        None if its scenario has no `fees`."""
        fees: Fees | None = market.scenario.fees
        if fees is None:
            return None
        rates = (fee, market.assets.lending_fee)
        earned = cls(fees, market.books, market.days, rates, agent, len(market.population.names))
        if market.scenario.dividends is not None:
            earned.dividends = RecordDates(market)
        return earned

    def accrue(self, books: Books, day: int, prices: Ints, sheet: Sheet | None = None) -> None:
        """Accrue what is open at the end of a day, until the next day of the simulation.

        Weekends between two sessions count; the last day of the window counts once.

        Args:
            books: of the market.
            day: of the simulation.
            prices: published ones, in money units, shape (tokens,).
            sheet: balance sheets, if any are kept.

        Raises:
            InputError: a value is too large to multiply by a rate.
        """
        last = day + 1 >= len(self.dates)
        self.days = 1 if last else (self.dates[day + 1] - self.dates[day]).days
        accounts = books.accounts
        fee = self._fees(books, prices)
        cash = self._cash(books)
        self._refuse_large(cash, int(np.abs(self._cash_rates).max()))
        owed = self._cash_rates[:, None] * (cash * self.days)
        (interest, income), self._cash_left = accrue(owed, self._cash_left, self.divisor)
        earned = fee + income - interest
        share = int(in_parts(self.fees.agent_share)) * (self._agent[accounts.lender] >= 0)
        agents, self._share_left = accrue(earned * share, self._share_left, PARTS)
        np.add.at(self.by_participant, accounts.borrower, interest - fee)
        np.add.at(self.by_participant, accounts.lender, earned - agents)
        some = agents != 0
        np.add.at(self.by_agent, self._agent[accounts.lender[some]], agents[some])
        self.fee, self.interest = int(fee.sum()), int(interest.sum())
        self.reinvested, self.to_agents = int(income.sum()), int(agents.sum())
        self.outside -= self.reinvested
        if self.dividends is not None:
            self.dividends.pay(books, day, prices, self.by_participant, sheet)
            self.outside -= self.dividends.paid

    @staticmethod
    def _cash(books: Books) -> Ints:
        """Cash collateral on which interest is owed, and that which earns, shape (2, accounts).

        Lenders owe back what they have invested, and it earns; what dealers have posted further is
        somebody else's cash collateral, and earns there.
        """
        accounts = books.accounts
        here = books.ledger.balance[books.ledger.collateral_row :][: len(accounts), -1]
        cash = np.stack([here, here])
        if len(books.reused):
            cash += np.stack([books.reused[:, -1], reinvested(books)])
        return np.where((accounts.state == ACTIVE) & (accounts.open_loans > 0), cash, 0)

    def _fees(self, books: Books, prices: Ints) -> Ints:
        """Fees of the day by margin account; loans that are closed out cost no more."""
        loans, accounts = books.loans, books.accounts
        is_open = (loans.state == OPEN_LOAN) & (accounts.state[loans.account] == ACTIVE)
        rows = np.flatnonzero(is_open)
        values = books.lent[rows, :-1] * prices[:-1]
        value = values.sum(axis=1)
        rates = self._by_token if self._by_loan is None else self._by_loan
        self._refuse_large(value, int(rates.max(initial=0)))
        owed = values @ rates if self._by_loan is None else value * rates[rows]
        self.lent = int(value.sum())
        fee, self._fee_left[rows] = accrue(owed * self.days, self._fee_left[rows], self.divisor)
        by_account = np.zeros(len(accounts), np.int64)
        np.add.at(by_account, loans.account[rows], fee)
        return by_account

    def _refuse_large(self, values: Ints, rate: int) -> None:
        if int(values.max(initial=0)) * rate * self.days >= 2**62:
            raise InputError(
                "fees: a loan is too large for its fee to be counted; use a larger unit"
            )


def _of(market: Any) -> Earnings:
    found: Earnings | None = market.earnings
    if found is None:
        raise InputError(
            f"{market.scenario.name}: measures of abm.measures.earnings need a table [fees]"
        )
    return found


@daily(MONEY, FLOW)
def lending_fees(market: Any) -> float:
    """Fees that accrue on securities lent, until the next day."""
    return float(_of(market).fee * market.unit)


@daily(MONEY, FLOW)
def cash_interest(market: Any) -> float:
    """What lenders owe on cash collateral, before fees are taken off for the rebate."""
    return float(_of(market).interest * market.unit)


@daily(MONEY, FLOW)
def reinvestment_income(market: Any) -> float:
    """What cash collateral earns outside the market."""
    return float(_of(market).reinvested * market.unit)


@daily(MONEY, FLOW)
def agents_revenue(market: Any) -> float:
    """The agents' share of what lenders earn."""
    return float(_of(market).to_agents * market.unit)


@daily(MONEY, FLOW)
def lenders_revenue(market: Any) -> float:
    """What lenders keep: fees and reinvestment less interest and the agents' share."""
    of = _of(market)
    return float((of.fee + of.reinvested - of.interest - of.to_agents) * market.unit)


@daily(BASIS_POINTS, RATIO, weight="lent", label="revenue in basis points of what is lent")
def revenue_bp(market: Any) -> float:
    """What lenders and agents earn, for a year and in basis points of the securities on loan; a run
    weights days with all that is lent."""
    of = _of(market)
    if not of.lent:
        return float("nan")
    earned = of.fee + of.reinvested - of.interest
    return 1e4 * earned / of.lent * of.fees.day_count / of.days
