"""Classes that decide alone and classes that decide in columns, on the same things alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents import Borrower, Dealer, Lender
from abm.agents.calls import DeliveryCall, ReturnCall
from abm.agents.views import DeliveryCalls, LoanView, ReturnCalls

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class DefaultBorrower(Borrower):
    """Decides in columns as standard borrowers do."""

    @classmethod
    def meet_call_in_columns(cls, calls: DeliveryCalls) -> Bools:
        return np.ones(len(calls), np.bool_)

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        return calls.default

    @classmethod
    def choose_reuse_in_columns(cls, members: Ints) -> Floats:
        return np.ones(len(members))


class DefaultLender(Lender):
    """Decides in columns as standard lenders do."""

    @classmethod
    def choose_return_in_columns(cls, calls: ReturnCalls) -> Ints:
        return calls.default

    @classmethod
    def choose_recalls_in_columns(cls, loans: LoanView) -> Bools:
        return np.zeros(len(loans), np.bool_)

    @classmethod
    def choose_at_maturity_in_columns(cls, loans: LoanView) -> npt.NDArray[np.str_]:
        return loans.at_maturity


class DefaultDealer(DefaultBorrower, DefaultLender, Dealer):
    """Both of them."""


def first_token(missing: float, price: float) -> int:
    """As many of the first token as a shortfall comes to."""
    return int(-(-missing // price))


class WilfulBorrower(Borrower):
    """Meets calls of some sizes, in the first token, the largest first; re-uses a half."""

    def meet_call(self, call: DeliveryCall) -> bool:
        return call.missing < 3000

    def choose_delivery(self, call: DeliveryCall) -> Mapping[str, int]:
        return {call.priority[0]: first_token(call.missing, call.prices[call.priority[0]])}

    def rank_calls(self, calls: DeliveryCalls) -> Floats:
        return -calls.missing

    def choose_reuse(self) -> float:
        return 0.5


class WilfulLender(Lender):
    """Returns a half, recalls what is not covered, rolls what is."""

    def choose_return(self, call: ReturnCall) -> Mapping[str, int]:
        return {token: quantity // 2 for token, quantity in call.default.items()}

    def choose_recalls(self, loans: LoanView) -> Bools:
        return loans.coverage < 1.0

    def choose_at_maturity(self, loans: LoanView) -> Any:
        return np.where(loans.coverage > 1.1, "roll", loans.at_maturity)


class WilfulDealer(WilfulBorrower, WilfulLender, Dealer):
    """Both of them."""


class TogetherBorrower(Borrower):
    """Decides in columns what a `WilfulBorrower` decides alone."""

    @classmethod
    def meet_call_in_columns(cls, calls: DeliveryCalls) -> Bools:
        return calls.missing < 3000

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        market = calls.market
        first = market.books.priority[market.books.accounts.agreement[calls.account], 0]
        chosen = np.zeros_like(calls.wallet)
        rows = np.arange(len(calls))
        chosen[rows, first] = -(-calls.missing_units // market.prices[first])
        return chosen

    @classmethod
    def rank_calls_in_columns(cls, calls: DeliveryCalls) -> Floats:
        return -calls.missing

    @classmethod
    def choose_reuse_in_columns(cls, members: Ints) -> Floats:
        return np.full(len(members), 0.5)


class TogetherLender(Lender):
    """Decides in columns what a `WilfulLender` decides alone."""

    @classmethod
    def choose_return_in_columns(cls, calls: ReturnCalls) -> Ints:
        return calls.default // 2

    @classmethod
    def choose_recalls_in_columns(cls, loans: LoanView) -> Bools:
        return loans.coverage < 1.0

    @classmethod
    def choose_at_maturity_in_columns(cls, loans: LoanView) -> Any:
        return np.where(loans.coverage > 1.1, "roll", loans.at_maturity)


class TogetherDealer(TogetherBorrower, TogetherLender, Dealer):
    """Both of them."""


STANDARD = {"lender": Lender, "borrower": Borrower, "dealer": Dealer}
BY_DEFAULT = {"lender": DefaultLender, "borrower": DefaultBorrower, "dealer": DefaultDealer}
ALONE = {"lender": WilfulLender, "borrower": WilfulBorrower, "dealer": WilfulDealer}
TOGETHER = {"lender": TogetherLender, "borrower": TogetherBorrower, "dealer": TogetherDealer}
