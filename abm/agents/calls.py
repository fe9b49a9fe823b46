"""Margin calls as a participant sees them that decides for itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from abm.books.compiled import compiled
from abm.rules.planning import SMALL_LOAN, whole_tokens_back
from abm.rules.schedules import counts_for, plan_any, plan_return
from abm.rules.valuation import effective_value, find_mintable, holdings, shortfall
from scenarios.errors import InputError

if TYPE_CHECKING:
    from abm.agents.market import Market
    from abm.agents.participant import Participant
    from abm.books.books import Books

Ints = npt.NDArray[np.int64]


MOST_TOKENS = 2**62
"""Counts of tokens that a participant decides on stay below this, to be safe in int64."""


class DecisionError(InputError):
    """A participant's own behaviour decided on something that cannot be done."""


class _Call:
    """What both kinds of call tell."""

    def __init__(self, market: Market, account: int):
        self.market = market
        self.account = account

    @property
    def day(self) -> int:
        """The day of the call."""
        return self.market.day

    @property
    def loan_id(self) -> int:
        """The loan; the first one of an aggregated account."""
        return int(self.market.first_loan[self.account])

    @property
    def lender(self) -> str:
        """Name of the lender."""
        return self.market.population.names[self.market.books.accounts.lender[self.account]]

    @property
    def borrower(self) -> str:
        """Name of the borrower."""
        return self.market.population.names[self.market.books.accounts.borrower[self.account]]

    @property
    def prices(self) -> dict[str, float]:
        """Published prices, in money."""
        return self._named(self.market.prices * self.market.unit)

    @property
    def priority(self) -> tuple[str, ...]:
        """Tokens that the call may move, in the order of delivery."""
        eligible = self.market.books.eligible(self._agreement)
        return tuple(self.market.tokens[token] for token in eligible)

    @property
    def _agreement(self) -> int:
        return int(self.market.books.accounts.agreement[self.account])

    def _named(self, amounts: npt.NDArray[np.generic]) -> dict[str, float]:
        return dict(zip(self.market.tokens, amounts.tolist(), strict=True))

    def _quantities(self, chosen: object, who: Participant) -> Ints:
        """A choice by token name as an array.

        Raises:
            DecisionError: it is no mapping, names a token that is not eligible, or has something
                else than a whole number of tokens.
        """
        if not isinstance(chosen, Mapping):
            raise DecisionError(
                f"{who.name} chose {_shown(chosen)} for loan {self.loan_id};"
                ' expected tokens and their numbers, as {"A": 10}'
            )
        quantities = np.zeros(len(self.market.tokens), np.int64)
        for token, quantity in chosen.items():
            if token not in self.priority:
                raise DecisionError(
                    f"{who.name} chose {token} for loan {self.loan_id};"
                    f" eligible are {', '.join(self.priority)}"
                )
            if not _is_count(quantity):
                raise DecisionError(
                    f"{who.name} chose {_shown(quantity)} {token} for loan {self.loan_id};"
                    " expected a whole number of tokens from 0"
                )
            quantities[self.market.tokens.index(token)] = int(quantity)
        return quantities


def _is_count(given: object) -> bool:
    if not isinstance(given, Real):
        return False
    number: Any = given
    # Bounds first: neither infinity nor what is not a number has a whole one.
    return bool(0 <= number < MOST_TOKENS and int(number) == number)


def _shown(given: object) -> str:
    plain = given is None or isinstance(given, int | float | str)
    return " ".join((repr(given) if plain else str(given)).split())


class DeliveryCall(_Call):
    """A call on a borrower for more collateral."""

    def __init__(self, market: Market, account: int, share: Ints | None = None):
        """A call on an account, and what it gets where its borrower is short of something."""
        super().__init__(market, account)
        self._share = share

    @cached_property
    def missing_units(self) -> int:
        """Market value that is missing, in money units."""
        return int(_shortfall(self.market.books, self.market.prices, self.account))

    @property
    def missing(self) -> float:
        """Market value of the collateral that is missing, in money."""
        return self.missing_units * self.market.unit

    @property
    def held(self) -> dict[str, float]:
        """Tokens that the borrower has at hand, those that it may post further among them."""
        held, reusable, _ = self._sources
        return self._named(held + reusable)

    @property
    def mintable(self) -> dict[str, float]:
        """Tokens that the custodian can still mint for it."""
        return self._named(self._sources[2])

    @property
    def _sources(self) -> tuple[Ints, Ints, Ints]:
        """Tokens in the wallet, those that may be posted further, and those that can be minted."""
        books = self.market.books
        borrower = int(books.accounts.borrower[self.account])
        mintable = np.zeros(len(self.market.tokens), np.int64)
        _find_mintable(books, borrower, mintable)
        reusable = books.reusable[borrower if len(books.reused) else 0]
        return books.ledger.balance[borrower].copy(), reusable.copy(), mintable

    @property
    def default(self) -> dict[str, int]:
        """What a standard borrower would deliver, if it met the calls that it is still asked about.

        Where it is short of something, that is this call's share.
        """
        return {t: int(q) for t, q in zip(self.market.tokens, self.planned, strict=True) if q}

    @cached_property
    def planned(self) -> Ints:
        """The same, shape (tokens,)."""
        if self._share is not None:
            return self._share
        books, prices = self.market.books, self.market.prices
        plan = np.zeros(len(prices), np.int64)
        _plan_delivery(books, prices, self.account, *self._sources, self.missing_units, plan)
        return plan

    def is_met(self, answer: object, who: Participant) -> bool:
        """A borrower's answer to the question whether it meets the call.

        Raises:
            DecisionError: it is neither true nor false.
        """
        if not isinstance(answer, bool | np.bool_):
            raise DecisionError(
                f"{who.name} answered {_shown(answer)} to the call on loan {self.loan_id};"
                " expected True or False"
            )
        return bool(answer)

    def quantities(self, chosen: object, who: Participant) -> Ints:
        """A borrower's choice, shape (tokens,); see `_quantities` for what is refused."""
        return self._quantities(chosen, who)


class ReturnCall(_Call):
    """A call on a lender to return collateral."""

    @property
    def excess(self) -> float:
        """Market value of the collateral above what is required, in money."""
        return self._plan[1] * self.market.unit

    @property
    def held(self) -> dict[str, float]:
        """Collateral tokens that the lender holds or has posted further."""
        return self._named(self._plan[2])

    @cached_property
    def _plan(self) -> tuple[Ints, int, Ints, int, bool]:
        """Tokens to return from the holdings, excess value, holdings, tokens to issue, blocked."""
        plan, held = np.zeros((2, len(self.market.tokens)), np.int64)
        books, prices = self.market.books, self.market.prices
        excess, issued, blocked = _plan_return(books, prices, self.account, held, plan)
        return plan, excess, held, issued, blocked

    @property
    def blocked(self) -> bool:
        """Whether nothing can be returned, as one token of the last priority is worth too much."""
        return self._plan[4]

    @property
    def default(self) -> dict[str, int]:
        """What a standard lender would return; more than it holds is what it would issue."""
        plan, _, _, issued, _ = self._plan
        plan = plan.copy()
        plan[self.market.books.priority[self._agreement, 0]] += issued
        return {t: int(q) for t, q in zip(self.market.tokens, plan, strict=True) if q}

    def quantities(self, chosen: object, who: Participant) -> tuple[Ints, int]:
        """A lender's choice, shape (tokens,), and the value of what it would have to issue.

        Raises:
            DecisionError: it returns what it does not hold and may not issue.
        """
        quantities = self._quantities(chosen, who)
        held = np.maximum(self._plan[2], 0)
        beyond = np.maximum(quantities - held, 0)
        first = self.market.books.priority[self._agreement, 0]
        may_issue = bool(self.market.books.terms.lender_issuance[self._agreement])
        for token in np.flatnonzero(beyond).tolist():
            if token != first or not may_issue:
                raise DecisionError(
                    f"{who.name} returns {quantities[token]} {self.market.tokens[token]} for loan"
                    f" {self.loan_id}, of which it holds {held[token]}"
                )
        one = _counts_for(self.market.books, self.market.prices, self.account, first)
        return quantities - beyond, int(beyond[first] * one)


@compiled
def _shortfall(books: Books, prices: Ints, a: int) -> int:
    return shortfall(books, prices, a)


@compiled
def _counts_for(books: Books, prices: Ints, a: int, token: int) -> int:
    return counts_for(books, prices, a, token)


@compiled
def _find_mintable(books: Books, borrower: int, mintable: Ints) -> None:
    find_mintable(books, borrower, mintable)


@compiled
def _plan_delivery(
    books: Books,
    prices: Ints,
    a: int,
    held: Ints,
    reusable: Ints,
    mintable: Ints,
    missing: int,
    quantities: Ints,
) -> None:
    plan_any(books, prices, a, held, reusable, True, mintable, missing, quantities)


@compiled
def _plan_return(
    books: Books, prices: Ints, a: int, held: Ints, quantities: Ints
) -> tuple[int, int, bool]:
    """Write what the lender holds and what it would return.

    Gives the excess, the tokens that it would issue, and whether a dear token blocks the return.
    """
    account = books.accounts[a]
    term, priority = books.terms[account.agreement], books.priority[account.agreement]
    excess = effective_value(books, prices, a, account.value) - account.required
    holdings(books, a, held)
    left_over, tokens = plan_return(books, prices, a, held, excess, quantities)
    issued = 0
    if left_over > 0 and term.lender_issuance:
        one = max(counts_for(books, prices, a, priority[0]), 1)
        spare = account.required // SMALL_LOAN
        issued = whole_tokens_back(left_over, one, term.return_up, spare)
    return excess, issued, tokens == 0 and left_over == 0
