"""What the contracts are told and tell, and the limits of their numbers."""

from __future__ import annotations

from typing import NamedTuple

MAX_TOKENS = 16
"""Tokens that the lending contract can number, cash among them."""
MAX_BATCH = 16
"""Loans that one transaction handles at most, whatever their number of tokens."""
LARGE_DEPOSIT = 2**62
"""What is deposited for a participant whose capacity has no limit in the scenario."""
CUSTODY = 2**95 - 1
"""Tokens that a custodian is told to hold at most; all there can be."""
CUTOFF = 17 * 3600
"""Second of a day from which on a settlement that fails is overdue; the platform's days are then.
"""
BOUND = 2_500
"""Basis points by which a price may move in a day without the guardian's word."""
NO_CAP = 2**20 - 1
"""Of an agreement: lenders issue on a return what they have deposits for."""
LOAN_STATES = ("none", "offered", "open", "settled", "stopped", "closed out", "withdrawn")
NO_CALL, DELIVERY, RETURN, NOTHING_TO_MOVE, SKIPPED = range(5)
"""Calls, numbered as in `abm.rules.trigger`; and a loan that a batch has left out."""

OUTCOMES = (
    "no call",
    "nothing to move",
    "delivery",
    "delivery with mint",
    "return",
    "return with mint",
)
"""What a margin run can come to; with mint, if tokens were issued on the way."""


FIXED_GAS = 300_000
LOAN_GAS = {
    "adjust": (100_000, 45_000),
    "mark": (100_000, 45_000),
    "deliver": (100_000, 45_000),
    "settle_instructions": (80_000, 45_000),
    "settle": (100_000, 100_000),
    "stop": (100_000, 45_000),
    "close_out": (150_000, 80_000),
}
"""More gas than any loan needs in a batch: for the loan, and for each token that there is."""


class LoanState(NamedTuple):
    """A loan as the lending contract stores it."""

    loan_id: int
    lender: str
    borrower: str
    agreement: int
    mask: int
    lent_mask: int
    maturity: int
    term: int
    state: int
    kind: int
    marked: int
    unmet_days: int
    overdue_days: int
    tried: int
    advanced: int
    instructed: int


class Measure(NamedTuple):
    """A loan's exposure, requirement, trigger band and collateral value at the oracle's prices."""

    exposure: int
    required: int
    lower: int
    upper: int
    worth: int


class Outcome(NamedTuple):
    """What a margin run did to a loan; values in money units."""

    loan_id: int
    kind: int
    excess: int
    worth: int
    moved: int
    transfers: int
    issued: int
    unmet: int

    @property
    def label(self) -> str:
        """One of `OUTCOMES`."""
        name = ("no call", "delivery", "return", "nothing to move", "skipped")[self.kind]
        return f"{name} with mint" if self.issued else name


class Gas(NamedTuple):
    """Gas of one transaction."""

    day: int
    action: str
    loans: int
    """Loans that it handled; 0 where it is about none."""
    gas: int
    outcome: str = ""
    """What a margin run of a single loan came to, one of `OUTCOMES`."""


class AgreementTerms(NamedTuple):
    """Terms as the lending contract takes them; ratios in basis points."""

    haircut: int
    margin: int
    trigger: int
    minimum: int
    lag: int
    grace: int
    notice: int
    cap: int
    delivery_up: bool
    return_up: bool
    issuance: bool
    priority: tuple[int, ...]
