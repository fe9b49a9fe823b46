"""Are prices of the paper's tokens on the paper's split basis? Table 2 tells."""

from __future__ import annotations

from datetime import date
from itertools import product

import numpy as np
import pandas as pd

from scenarios.paper import CASES, TOKENS
from scenarios.prices.calendars import LONGEST_CLOSURE
from scenarios.prices.panel import PricePanel
from scenarios.prices.paths import Array

FIRST_DAY_SUMS = {str(case.number): (case.start, float(case.first_day_sum)) for case in CASES}
"""Case, its start, and the sum of the five closes of its first session: the paper's Table 2
divided by 0.95 and a million."""

KNOWN_SPLITS = {
    "7013": ((date(2017, 9, 27), 0.1), (date(2025, 9, 29), 7.0)),
    "4901": ((date(2024, 3, 28), 3.0),),
    "8031": ((date(2024, 6, 27), 2.0),),
}
"""Splits that give a wrong basis its name. They are never used to convert prices."""

RATIOS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 0.7)
"""Factors that are tried on each column, and their inverses."""


def first_day_sums(panel: PricePanel) -> dict[str, float]:
    """Sum of the five closes on the first session of each case that the panel covers.

    Raises:
        InputError: a token has no column.
    """
    prices = panel.select(TOKENS)
    return {case: float(row.sum()) for case, row in _first_rows(prices).items()}


def basis_problem(panel: PricePanel) -> str | None:
    """What is wrong with the split basis of the paper's tokens, in one line; None if nothing.

    Ratios are tried on the columns until all first-day sums come out, the fewest columns first,
    so that the message can say which split is missing or too many.

    Raises:
        InputError: a token has no column.
    """
    prices = panel.select(TOKENS)
    rows = _first_rows(prices)
    if not rows:
        return f"{panel.origin}: covers the first day of none of the paper's four windows"
    closes = np.array(list(rows.values()))
    targets = np.array([FIRST_DAY_SUMS[case][1] for case in rows])
    wrong = np.flatnonzero(closes.sum(axis=1) != targets)
    if not len(wrong):
        return None
    case = list(rows)[wrong[0]]
    found = (
        f"{panel.origin}: not the paper's prices: the closes of Case {case}'s first day add up to"
        f" {closes[wrong[0]].sum():,.10g} yen instead of {targets[wrong[0]]:,.0f} (Table 2)"
    )
    factors = _factors_that_fit(closes, targets)
    if factors is None:
        return f"{found}; no split of the five tokens explains it"
    if (factors == 1.0).all():
        return f"{found}; round the closes to whole yen"
    explained = [
        _name(token, factor) for token, factor in zip(TOKENS, factors, strict=True) if factor != 1.0
    ]
    return f"{found}: {'; '.join(explained)}"


def _first_rows(prices: PricePanel) -> dict[str, Array]:
    """Closes of the first session on or after each case's start, shape (tokens,), if covered."""
    rows = {}
    for case, (start, _) in FIRST_DAY_SUMS.items():
        day = pd.Timestamp(start)
        row = int(prices.dates.searchsorted(day, side="left"))
        if row < len(prices.dates) and prices.dates[row] - day <= LONGEST_CLOSURE:
            rows[case] = prices.close[row]
    return rows


def _factors_that_fit(closes: Array, targets: Array) -> Array | None:
    """Factors for the columns with which every sum is right, as few other than 1 as possible.

    Known splits come first; of unknown ones at most one is believed, since enough factors explain
    anything.

    Args:
        closes: shape (cases, tokens).
        targets: shape (cases,).
    """
    ratios = sorted({*RATIOS, *(1 / ratio for ratio in RATIOS)})
    grid = np.meshgrid(*[ratios] * len(TOKENS), indexing="ij")
    tried = np.stack(grid, axis=-1).reshape(-1, len(TOKENS))
    errors = np.abs(tried @ closes.T - targets)
    # Closes restated for a split may have been rounded to whole yen; undoing it magnifies that.
    slack = 0.5 + np.where(tried != 1.0, 0.5 * tried, 0.0).sum(axis=1, keepdims=True)
    fits = (errors <= slack).all(axis=1)
    fitting, errors = tried[fits], errors[fits].sum(axis=1)
    unknown = np.array(
        [sum(not _known(t, f) for t, f in zip(TOKENS, row, strict=True)) for row in fitting]
    )
    changes = (fitting != 1.0).sum(axis=1)
    for best in np.lexsort((errors, changes, unknown))[:1]:
        if unknown[best] <= 1:
            return np.asarray(fitting[best])
    return None


_STATES = {
    (True, True): "is one too many, still in these prices",
    (False, True): "is missing, taken out twice",
    (True, False): "is one too many, applied twice",
    (False, False): "is missing from these prices",
}
"""By whether a column must be multiplied by the ratio (or divided), and whether the split came
after the paper's basis (or before)."""


def _known(token: str, factor: float) -> bool:
    """Whether a factor is explained by the known splits of a token."""
    return factor == 1.0 or bool(_explanation(token, factor))


def _explanation(token: str, factor: float) -> list[str]:
    """Which of a token's splits are missing or too many if its closes need this factor."""
    splits = KNOWN_SPLITS.get(token, ())
    basis = date(2024, 3, 27)
    for powers in product((0, 1, -1), repeat=len(splits)):
        size = np.prod([ratio**power for (_, ratio), power in zip(splits, powers, strict=True)])
        if any(powers) and np.isclose(size, factor):
            named = []
            for (day, ratio), power in zip(splits, powers, strict=True):
                if power:
                    state = _STATES[(power > 0, day > basis)]
                    named.append(f"its {_ratio(ratio)} split of {day} {state}")
            return named
    return []


def _ratio(ratio: float) -> str:
    return f"{ratio:g}:1" if ratio >= 1 else f"1:{1 / ratio:g}"


def _name(token: str, factor: float) -> str:
    explanation = _explanation(token, factor)
    named = " and ".join(explanation) if explanation else "no split of it is known to explain that"
    times = f"× {factor:g}" if factor >= 1 else f"÷ {1 / factor:g}"
    return f"{token} needs {times}: {named}"
