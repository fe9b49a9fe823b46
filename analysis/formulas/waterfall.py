"""A clearing house's default waterfall."""

from __future__ import annotations

from typing import NamedTuple


class Waterfall(NamedTuple):
    """What each layer bears, in the order of their use; they add up to the loss."""

    initial_margin: float
    """The defaulter's margin."""
    defaulter_fund: float
    """The defaulter's contribution to the default fund."""
    skin_in_the_game: float
    """The clearing house's own layer."""
    survivors_fund: float
    """Default fund contributions of the others."""
    assessments: float
    """Called from the others, up to a cap."""
    unallocated: float
    """What nothing is left for."""


def default_waterfall(
    loss: float,
    *,
    initial_margin: float = 0.0,
    defaulter_fund: float = 0.0,
    skin_in_the_game: float = 0.0,
    survivors_fund: float = 0.0,
    assessment_cap: float = 0.0,
) -> Waterfall:
    """Divide a loss over a clearing house's resources, each one used up before the next.

    The order is that of the PFMI quantitative disclosures (CPMI-IOSCO 2012, principle 4):
    defaulter pays first.

    Args:
        loss: what the default costs, not negative.
        initial_margin: size of each layer, not negative; likewise the following.
        defaulter_fund: contribution of the defaulter to the default fund.
        skin_in_the_game: the clearing house's own layer.
        survivors_fund: contributions of the others.
        assessment_cap: the most that can be called from the others.

    Raises:
        ValueError: a negative number.
    """
    layers = (initial_margin, defaulter_fund, skin_in_the_game, survivors_fund, assessment_cap)
    if loss < 0 or any(layer < 0 for layer in layers):
        raise ValueError("a loss and the layers that bear it must not be negative")
    borne: list[float] = []
    left = float(loss)
    for layer in layers:
        borne.append(min(left, layer))
        left -= borne[-1]
    return Waterfall._make([*borne, left])
