"""What participants have chosen, as arrays; refused where it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents.calls import MOST_TOKENS, DecisionError

Ints = npt.NDArray[np.int64]


def as_array(kind: type, given: Any) -> npt.NDArray[Any]:
    """What a class has answered, as an array.

    Raises:
        DecisionError: its rows are of different lengths.
    """
    try:
        return np.asarray(given)
    except ValueError as error:
        raise DecisionError(f"{kind.__name__}: expected an array ({error})") from None


def by_token(kind: type, given: object, tokens: tuple[str, ...]) -> list[Any]:
    """What one agent trades, by the name of the token, as a row.

    Raises:
        DecisionError: it is no mapping, or names a token that is not.
    """
    if not isinstance(given, Mapping) or not set(given) <= set(tokens[:-1]):
        raise DecisionError(
            f"{kind.__name__} chose {' '.join(repr(given).split())} to trade; expected numbers"
            f' of tokens, negative to sell, as {{"{tokens[0]}": -10}}, of {", ".join(tokens[:-1])}'
        )
    return [given.get(token, 0) for token in tokens]


def signed_tokens(kind: type, given: Any, shape: tuple[int, int]) -> Ints:
    """Tokens that a class trades, negative to sell.

    Raises:
        DecisionError: they are no whole numbers of tokens for each row, or cash is among them.
    """
    chosen = as_array(kind, given)
    if chosen.shape != shape or not np.issubdtype(chosen.dtype, np.integer):
        raise DecisionError(
            f"{kind.__name__}: expected whole numbers of tokens of shape {shape},"
            f" got {chosen.dtype} of shape {chosen.shape}"
        )
    if (np.abs(chosen) >= MOST_TOKENS).any() or chosen[:, -1].any():
        raise DecisionError(f"{kind.__name__} trades cash, or over {MOST_TOKENS:.3g} of a token")
    return chosen.astype(np.int64)
