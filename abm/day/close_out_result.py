"""What the close-outs of a day come to."""

from __future__ import annotations

from dataclasses import dataclass, field

from abm.books.standing import CAUSES

OF_MONEY = (
    "exposure_at_default",
    "liquidated_value",
    "residual_claims",
    "close_out_recovery",
    "close_out_loss",
    "close_out_surplus",
)
"""Measures of money that it tells."""


@dataclass
class CloseOutResult:
    """What a day's close-outs came to, in money units."""

    exposure_at_default: int = 0
    liquidated_value: int = 0
    residual_claims: int = 0
    close_out_recovery: int = 0
    close_out_surplus: int = 0
    defaults: list[int] = field(default_factory=lambda: [0] * len(CAUSES))
    """Number by cause, in the order of `CAUSES`."""

    @property
    def close_out_loss(self) -> int:
        """Claims that the day left open, less what estates have paid."""
        return self.residual_claims - self.close_out_recovery

    def told(self, unit: float) -> dict[str, float]:
        """The measures of the day that these are, by name; money in money."""
        money = {name: getattr(self, name) * unit for name in OF_MONEY}
        defaults = zip(CAUSES, self.defaults, strict=True)
        return money | {f"defaults_{cause}": number for cause, number in defaults}
