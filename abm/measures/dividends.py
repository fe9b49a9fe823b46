"""What tokens pay on record dates, and what is manufactured for it (docs/rules.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.books import Books
from abm.books.loan_book import ACTIVE, OPEN_LOAN
from abm.books.sheet import Sheet, owned_outside
from abm.measures.measure import FLOW, MONEY, daily
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]

PARTS = 1_000_000
"""Parts of a money unit that the dividend of a token is kept in."""

YEAR = 365


class RecordDates:
    """The dividends of a market, and what was paid for them on the last day, in money units.

    Attributes:
        paid: by the world outside, to who holds tokens on the ledger.
        on_loans: by borrowers to lenders, on what is lent.
        on_collateral: by lenders to borrowers, on what secures it.
    """

    def __init__(self, market: Any):
        """Find the record dates.

        Args:
            market: with its scenario, tokens, classes of assets and days.

        Raises:
            InputError: a file or dividend that is wrong, or an amount that is too large.
        """
        given, tokens = market.scenario.dividends, market.tokens
        dates: pd.DatetimeIndex = market.days
        self.listed = np.zeros((len(dates), len(tokens)), np.int64)
        """Parts of a unit that each token pays on each day, as it is listed."""
        for one in given.listed(tokens[:-1]):
            day = int(dates.searchsorted(pd.Timestamp(one.date)))
            if day < len(dates) and pd.Timestamp(one.date) >= dates[0]:
                parts = round(one.amount / market.unit * PARTS)
                self.listed[day, tokens.index(one.token)] += parts
        self.of_price = np.zeros((len(dates), len(tokens)), np.int64)
        """Parts of its price that each token pays on each day, by the model."""
        for name, model in given.classes.items():
            members = np.flatnonzero(market.assets.asset_class == market.assets.classes.index(name))
            members = members[members < len(tokens) - 1]
            for place, token in enumerate(members.tolist()):
                for day in _days(dates, model.times, (place + 1) / (len(members) + 1)):
                    self.of_price[day, token] += round(model.rate / model.times * PARTS)
        self.paid = self.on_loans = self.on_collateral = 0

    def pay(
        self, books: Books, day: int, prices: Ints, earned: Ints, sheet: Sheet | None = None
    ) -> None:
        """Count what is paid at the end of a day.

        Args:
            books: of the market.
            day: of the simulation.
            prices: published ones, in money units, shape (tokens,).
            earned: what each participant has earned, shape (participants,); is added to.
            sheet: balance sheets, if any are kept: they know what is outside the ledger.

        Raises:
            InputError: holdings that are too large to multiply by a dividend.
        """
        self.paid = self.on_loans = self.on_collateral = 0
        amounts = self.listed[day] + self.of_price[day] * prices
        tokens = np.flatnonzero(amounts)
        if not len(tokens):
            return
        self._pay_holders(books, tokens, amounts[tokens], earned, sheet)
        self._manufacture(books, tokens, amounts[tokens], earned)

    def _pay_holders(
        self, books: Books, tokens: Ints, amounts: Ints, earned: Ints, sheet: Sheet | None
    ) -> None:
        """Have the world outside pay who holds the tokens; amounts in parts of a unit."""
        accounts, ledger = books.accounts, books.ledger
        mine = ledger.balance[: len(earned)]
        if sheet is not None:
            mine = mine + owned_outside(books, sheet)
        wallets = _paid(mine[:, tokens], amounts)
        held = ledger.balance[ledger.collateral_row : ledger.transit_row][:, tokens]
        kept = _paid(held, amounts)
        earned += wallets
        np.add.at(earned, accounts.lender, kept)
        under_way = ledger.balance[ledger.transit_row :][:, tokens]
        under_way = under_way.reshape(-1, len(accounts), len(tokens)).sum(axis=0)
        sent = _paid(under_way, amounts)
        np.add.at(earned, accounts.borrower, sent)
        self.paid = int(wallets.sum() + kept.sum() + sent.sum())

    def _manufacture(self, books: Books, tokens: Ints, amounts: Ints, earned: Ints) -> None:
        """Have lenders pay borrowers on collateral, and borrowers lenders on loans."""
        accounts, loans, ledger = books.accounts, books.loans, books.ledger
        held = ledger.balance[ledger.collateral_row : ledger.transit_row][:, tokens]
        owed = held + books.reused[:, tokens] if len(books.reused) else held.copy()
        first = books.priority[accounts.agreement, 0]
        for column, token in enumerate(tokens.tolist()):
            owed[:, column] -= np.where(first == token, accounts.advanced, 0)
        active = accounts.state == ACTIVE
        on_collateral = np.where(active, _paid(owed, amounts), 0)
        np.add.at(earned, accounts.lender, -on_collateral)
        np.add.at(earned, accounts.borrower, on_collateral)
        self.on_collateral = int(on_collateral.sum())
        lent = np.flatnonzero((loans.state == OPEN_LOAN) & active[loans.account])
        on_loans = _paid(books.lent[lent][:, tokens], amounts)
        of = loans.account[lent]
        np.add.at(earned, accounts.lender[of], on_loans)
        np.add.at(earned, accounts.borrower[of], -on_loans)
        self.on_loans = int(on_loans.sum())


def _days(dates: pd.DatetimeIndex, times: int, offset: float) -> list[int]:
    """Days of the simulation on which a token pays, so many times a year from the first day on."""
    apart = YEAR / times
    length = (dates[-1] - dates[0]).days
    number = int(np.floor(length / apart - offset)) + 1
    since = [round((offset + n) * apart) for n in range(max(number, 0))]
    found = dates.searchsorted([dates[0] + pd.Timedelta(days=days) for days in since])
    return [int(day) for day in found if day < len(dates)]


def _paid(quantities: Ints, amounts: Ints) -> Ints:
    """What each row is paid for its tokens, each rounded to the nearest unit, halves up.

    Args:
        quantities: shape (rows, tokens).
        amounts: in parts of a unit, shape (tokens,).
    """
    largest = int(np.abs(quantities).max(initial=0))
    if largest * int(amounts.max(initial=0)) >= 2**62:
        raise InputError("dividends: holdings are too large to be counted; use a larger unit")
    paid: Ints = ((quantities * amounts + PARTS // 2) // PARTS).sum(axis=1)
    return paid


def _of(market: Any) -> RecordDates:
    found: RecordDates | None = market.earnings and market.earnings.dividends
    if found is None:
        raise InputError(
            f"{market.scenario.name}: measures of abm.measures.dividends need a table [dividends]"
        )
    return found


@daily(MONEY, FLOW)
def dividends_paid(market: Any) -> float:
    """Dividends that the world outside pays to who holds tokens on the ledger."""
    return float(_of(market).paid * market.unit)


@daily(MONEY, FLOW, label="manufactured payments on loans")
def manufactured_on_loans(market: Any) -> float:
    """What borrowers pay lenders for dividends on what they have borrowed."""
    return float(_of(market).on_loans * market.unit)


@daily(MONEY, FLOW, label="manufactured payments on collateral")
def manufactured_on_collateral(market: Any) -> float:
    """What lenders pay borrowers for dividends on their collateral, posted further or not."""
    return float(_of(market).on_collateral * market.unit)
