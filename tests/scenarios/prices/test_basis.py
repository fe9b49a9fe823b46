"""The Table 2 check names the split that is missing or too many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scenarios.errors import InputError
from scenarios.paper import TOKENS
from scenarios.prices.basis import FIRST_DAY_SUMS, basis_problem, first_day_sums
from scenarios.prices.panel import PricePanel

MADE_UP = {
    "2008-10-01": (900, 1400, 2700, 1650, 1345),
    "2008-11-04": (700, 1000, 2400, 800, 1099),
    "2009-03-02": (400, 410, 2000, 840, 673),
    "2009-07-01": (620, 790, 3080, 1730, 1131),
}
"""Closes that have the paper's sums and nothing else of the real ones."""


@pytest.fixture
def panel() -> PricePanel:
    frame = pd.DataFrame.from_dict(MADE_UP, orient="index", columns=list(TOKENS), dtype=float)
    return PricePanel.from_frame(frame.set_index(pd.to_datetime(frame.index)), "prices.csv")


def scaled(panel: PricePanel, decimals: int = 2, **factors: float) -> PricePanel:
    close = panel.close.copy()
    for token, factor in factors.items():
        close[:, panel.tokens.index(token.removeprefix("t"))] *= factor
    return PricePanel(panel.dates, panel.tokens, close.round(decimals), panel.origin)


def test_the_papers_basis_has_no_problem(panel: PricePanel) -> None:
    assert basis_problem(panel) is None
    assert first_day_sums(panel) == {case: total for case, (_, total) in FIRST_DAY_SUMS.items()}


def test_the_real_closes_have_no_problem(tokyo_file: Path) -> None:
    from scenarios.prices.files import read_prices

    assert basis_problem(read_prices(tokyo_file)) is None


@pytest.mark.parametrize("decimals", [0, 2])
@pytest.mark.parametrize(
    ("factors", "named"),
    [
        ({"t4901": 1 / 3}, ["4901 needs × 3: its 3:1 split of 2024-03-28 is one too many"]),
        ({"t8031": 1 / 2}, ["8031 needs × 2: its 2:1 split of 2024-06-27 is one too many"]),
        ({"t7013": 1 / 7}, ["7013 needs × 7: its 7:1 split of 2025-09-29 is one too many"]),
        ({"t4901": 3.0}, ["4901 needs ÷ 3: its 3:1 split of 2024-03-28 is missing"]),
        ({"t7013": 0.1}, ["7013 needs × 10: its 1:10 split of 2017-09-27 is missing"]),
        ({"t7013": 10.0}, ["7013 needs ÷ 10: its 1:10 split of 2017-09-27 is one too many"]),
        (
            # Yahoo's prices as they are today.
            {"t4901": 1 / 3, "t8031": 1 / 2, "t7013": 1 / 7},
            ["4901 needs × 3", "8031 needs × 2", "7013 needs × 7"],
        ),
        ({"t8306": 1 / 5}, ["8306 needs × 5: no split of it is known"]),
    ],
)
def test_a_wrong_basis_is_named(
    panel: PricePanel, factors: dict[str, float], named: list[str], decimals: int
) -> None:
    problem = basis_problem(scaled(panel, decimals, **factors))
    assert problem is not None
    assert "\n" not in problem
    for part in named:
        assert part in problem
    assert problem.count("needs") == len(named)


def test_other_differences_are_not_blamed_on_a_split(panel: PricePanel) -> None:
    problem = basis_problem(scaled(panel, t8031=1.02))
    assert problem is not None
    assert "no split of the five tokens explains it" in problem


def test_unrounded_closes_are_told_to_be_rounded(panel: PricePanel) -> None:
    close = panel.close + 0.03
    problem = basis_problem(PricePanel(panel.dates, panel.tokens, close, panel.origin))
    assert problem is not None
    assert "round the closes to whole yen" in problem


def test_the_message_gives_the_sums(panel: PricePanel) -> None:
    problem = basis_problem(scaled(panel, t4901=1 / 3))
    assert problem is not None
    assert problem.startswith("prices.csv: not the paper's prices")
    assert "instead of 7,351 (Table 2)" in problem


def test_one_case_is_enough_to_check(panel: PricePanel) -> None:
    only = PricePanel(panel.dates[-1:], panel.tokens, panel.close[-1:], panel.origin)
    assert basis_problem(only) is None
    assert "4901 needs × 3" in str(basis_problem(scaled(only, t4901=1 / 3)))


def test_prices_of_other_days_cannot_be_checked(panel: PricePanel) -> None:
    later = PricePanel(panel.dates + np.timedelta64(3650, "D"), panel.tokens, panel.close, "p.csv")
    assert "covers the first day of none" in str(basis_problem(later))


def test_a_missing_token_is_named(panel: PricePanel) -> None:
    with pytest.raises(InputError, match="no column 8031"):
        basis_problem(panel.select(TOKENS[:-1]))
