"""Collateral agreements as the columns that margining reads."""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from abm.books.compiled import inlined
from abm.books.records import Records

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Tokens = npt.NDArray[np.uint32]
"""Columns of tokens; without a sign, so that compiled code need not ask for one."""

Whole = TypeVar("Whole")
Real = TypeVar("Real")
Flag = TypeVar("Flag")


class TermColumns(Protocol[Whole, Real, Flag]):
    """What margining reads of an agreement.

    `required`, `upper` and `lower` are fractions of the loan's value: the required collateral value
    and the band in which no call is made, in market value of collateral.
    """

    required_numerator: Whole
    required_denominator: Whole
    upper_numerator: Whole
    upper_denominator: Whole
    lower_numerator: Whole
    lower_denominator: Whole
    minimum_transfer: Whole
    eligible: Whole
    """Number of tokens that calls may move."""
    lag: Whole
    grace_days: Whole
    reuse: Real
    daily: Flag
    """A trigger of zero: a call every day, also when there is nothing to move."""
    delivery_up: Flag
    return_up: Flag
    lender_issuance: Flag
    every_call_issues: Flag


class Term(TermColumns[int, float, bool], Protocol):
    """One agreement: a handle on its row."""


class Terms(TermColumns[Ints, npt.NDArray[np.float64], Bools], Protocol):
    """One row an agreement."""

    def __len__(self) -> int: ...
    def __getitem__(self, t: int) -> Term: ...
    def __setitem__(self, t: int, term: Term) -> None: ...
    def copy(self) -> Terms:
        """The same rows, for changing."""


_KINDS = {"Whole": "i8", "Real": "f8", "Flag": "?"}


class TermRecords(
    Records,
    columns=[(name, _KINDS[kind]) for name, kind in TermColumns.__annotations__.items()],
):
    """`Terms` as they are kept."""


def new_terms(count: int) -> Terms:
    """Rows of zeros for so many agreements."""
    return cast(Terms, TermRecords.zeros(count))


@inlined
def fraction_of(amount: int, numerator: int, denominator: int) -> tuple[int, int]:
    """`amount · numerator / denominator` as quotient and remainder, without overflow on the way."""
    whole, rest = amount // denominator, amount % denominator
    return whole * numerator + (rest * numerator) // denominator, (rest * numerator) % denominator
