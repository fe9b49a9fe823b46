"""What estates pay one another: the clearing vector, in whole units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.rules.clearing import clearing, in_proportion
from analysis.formulas.contagion import clearing_vector


@pytest.mark.parametrize(
    ("claims", "cash", "payments"),
    [
        # A chain, debts in both directions, and a ring without assets (Eisenberg and Noe 2001).
        ({0: {1: 10}, 1: {2: 10}}, {0: 4, 1: 1}, [4, 5]),
        ({0: {1: 10}, 1: {0: 5}}, {0: 3, 1: 1}, [8, 5]),
        ({0: {1: 10}, 1: {2: 10}, 2: {0: 10}}, {}, [10, 10, 10]),
    ],
)
def test_the_known_examples(
    claims: dict[int, dict[int, int]], cash: dict[int, int], payments: list[int]
) -> None:
    paid = clearing(claims, cash)
    assert [sum(paid[debtor].values()) for debtor in claims] == payments


def test_units_that_are_left_go_to_the_largest_remainders() -> None:
    assert in_proportion(10, {5: 10, 3: 10, 9: 10}) == {5: 4, 3: 3, 9: 3}
    assert in_proportion(7, {1: 1, 2: 9}) == {1: 1, 2: 6}


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[int, dict[int, int]], dict[int, int]]:
    debtors = range(draw(st.integers(1, 5)))
    amounts = st.integers(1, 10 ** draw(st.integers(1, 12)))
    claims = {
        debtor: draw(
            st.dictionaries(
                st.sampled_from([c for c in range(7) if c != debtor]), amounts, min_size=1
            )
        )
        for debtor in debtors
    }
    return claims, {debtor: draw(st.integers(0, 10**12)) for debtor in debtors}


@given(networks())
def test_nobody_pays_more_than_it_has_or_owes_and_all_share_alike(
    network: tuple[dict[int, dict[int, int]], dict[int, int]],
) -> None:
    claims, cash = network
    paid = clearing(claims, cash)
    for debtor, of in claims.items():
        total, owed = sum(paid[debtor].values()), sum(of.values())
        got = sum(others.get(debtor, 0) for others in paid.values())
        assert total <= min(owed, cash[debtor] + got)
        for creditor, claim in of.items():
            assert abs(paid[debtor][creditor] - total * claim / owed) <= 1 + 1e-9 * claim


@given(networks())
def test_it_is_the_clearing_vector_but_for_rounding(
    network: tuple[dict[int, dict[int, int]], dict[int, int]],
) -> None:
    """What rounding takes is a unit a claim, and that again for every time it goes round."""
    claims, cash = network
    cash = {debtor: held + 10**9 for debtor, held in cash.items()}
    liabilities, assets = np.zeros((7, 7)), np.zeros(7)
    for debtor, of in claims.items():
        assets[debtor] = cash[debtor]
        for creditor, claim in of.items():
            liabilities[debtor, creditor] = claim
    exact = clearing_vector(liabilities, assets).payments
    for debtor, of in clearing(claims, cash).items():
        assert sum(of.values()) == pytest.approx(exact[debtor], rel=1e-6, abs=1e3)
