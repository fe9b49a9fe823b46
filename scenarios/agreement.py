"""The terms of a loan's collateral, and the paper's five models as presets of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from scenarios.errors import InputError
from scenarios.table import Table

Rounding = Literal["up", "down"]

MODELS = MappingProxyType(
    {
        0: {
            "trigger": 0.0,
            "adjustment": "single",
            "settlement_lag": 1,
            "lender_issuance": True,
            "every_call_issues": True,
        },
        1: {"trigger": 0.0, "adjustment": "single", "lender_issuance": True},
        2: {"trigger": 0.0, "adjustment": "multi"},
        3: {"trigger": 0.02, "adjustment": "single", "lender_issuance": True},
        4: {"trigger": 0.02, "adjustment": "multi"},
    }
)
"""The margining models of the paper's Table 1, as terms. Model 0 is today's practice."""

Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CollateralAgreement(Table):
    """What the parties of a loan agreed about its collateral.

    `model = 4` is the paper's Model 4; terms given beside it prevail. A model that is set from
    outside (a factor, `--set`, Python, the page) replaces all terms by which the paper's models
    differ: `trigger`, `adjustment`, `settlement_lag`, `lender_issuance` and `every_call_issues`,
    but for those that are set together with it.

    The lender must hold a market value of `R = L / (1 - haircut)`, or `margin_percentage · L`,
    for a loan worth `L` (paper, section 2.2.1; GMSLA 5.4). A call is made when the coverage
    `d = (1 - haircut)·C - L` leaves the band `±trigger·L` (either side), and then moves tokens
    until `d = 0`. With `trigger = 0` a call is made every day.
    """

    model: Literal[0, 1, 2, 3, 4] | None = None
    """The paper's model that the other terms default to."""
    haircut: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] | None = None
    """Fraction by which the collateral's price is reduced; 0.05 if nothing is given."""
    margin_percentage: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Required collateral as a multiple of the loan (1.02 for 102 %), instead of a haircut."""
    trigger: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.0
    """Margin call threshold β, as a fraction of the loan; two-sided."""
    minimum_transfer_amount: Ratio = 0.0
    """Movements worth less than this (money, to the nearest `money.unit`) are not made, nor called
    for. With `trigger = 0` there is a call every day, if only of nothing; with a minimum beside it,
    on those days alone on which at least that much is to be moved."""
    adjustment: Literal["single", "multi"] = "multi"
    """Whether calls move the first token of the priority only, or all of them in turn."""
    priority: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Eligible tokens in the order of delivery; returns go the other way round.
    All priced tokens, in the order of the prices, if not given."""
    schedule: Annotated[str, Field(min_length=1)] | None = None
    """Which of the scenario's `schedules` says what counts, for how much of its value and up to
    which limits; without one all tokens count for their value."""
    delivery_rounding: Rounding = "up"
    """Rounding of a delivery to whole tokens."""
    return_rounding: Rounding = "down"
    """Rounding of a return to whole tokens; the paper rounds up. Never up by more than a
    quarter of what is required."""
    settlement_lag: Annotated[int, Field(ge=0, le=30)] = 0
    """Days from a call to the settlement of what it moves."""
    lender_issuance: bool = False
    """Whether a lender that has run out of the first token issues what a return still lacks."""
    every_call_issues: bool = False
    """Whether every call counts as an issuance by the lender, as in the paper's Model 0."""
    aggregated: bool = False
    """Whether all loans of a pair under this agreement are margined as one."""
    transfer: Literal["pledge", "title"] = "pledge"
    """Pledged collateral stays put; under title transfer a dealer may post it further."""
    reuse_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest part of the collateral received under title transfer that may be posted further, in
    six decimals at most; rounded down to whole tokens."""
    grace_days: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Days that a call may stay unmet before it is an event of default."""

    @model_validator(mode="wrap")
    @classmethod
    def _apply_model(cls, terms: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        model = terms.get("model") if isinstance(terms, dict) else None
        if not isinstance(model, int) or model not in MODELS:
            return handler(terms)
        agreement = handler({**MODELS[model], **terms})
        # What the model stands for is not "set": changing the model changes it.
        agreement.__pydantic_fields_set__.intersection_update(terms)
        return agreement

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.haircut is not None and self.margin_percentage is not None:
            raise ValueError("give haircut or margin_percentage, not both")
        if self.priority is not None and len(set(self.priority)) < len(self.priority):
            raise ValueError("priority names a token twice")
        if self.reuse_rate and self.transfer != "title":
            raise ValueError('reuse_rate needs transfer = "title"')
        if exact(self.reuse_rate) * 10**6 % 1:
            raise ValueError("reuse_rate: expected six decimals at most")
        return self

    @property
    def collateral_ratio(self) -> Fraction:
        """Required collateral value per unit of loan value, `1/(1-α)` or the margin percentage."""
        return _ratio(self.haircut, self.margin_percentage)

    def eligible(self, tokens: Sequence[str], cash: str) -> tuple[str, ...]:
        """Tokens that count as collateral here: `priority`, or all of `tokens` but cash."""
        return self.priority or tuple(token for token in tokens if token != cash)


@lru_cache(maxsize=256)
def _ratio(haircut: float | None, margin_percentage: float | None) -> Fraction:
    if margin_percentage is not None:
        return exact(margin_percentage)
    return 1 / (1 - exact(0.05 if haircut is None else haircut))


def terms_of_model(model: int) -> dict[str, Any]:
    """All terms by which the paper's models differ, as this one has them.

    Raises:
        InputError: the paper has no such model.
    """
    if isinstance(model, bool) or model not in MODELS:
        raise InputError(f"model: expected one of {', '.join(map(str, MODELS))} (it is {model!r})")
    told_apart = dict.fromkeys(term for terms in MODELS.values() for term in terms)
    fields = CollateralAgreement.model_fields
    return {term: MODELS[model].get(term, fields[term].default) for term in told_apart}


@lru_cache(maxsize=4096)
def exact(number: float) -> Fraction:
    """The decimal that a user wrote, rather than the binary float nearest to it."""
    return Fraction(repr(float(number)))
