"""The ledger: one transfer primitive, all legs or none, nothing lost or made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.books.ledger import Ledger, LedgerError


def ledger() -> Ledger:
    """Two wallets, the outside market and one collateral account; ten of each in wallet 0."""
    book = Ledger(("A", "B", "CASH"), wallets=2, accounts=1, longest_lag=2)
    for token in range(3):
        book.mint(0, token, 10)
    return book


def test_a_transfer_moves_tokens() -> None:
    book = ledger()
    book.transfer(0, 1, 0, 4)
    assert book.wallets[:2, 0].tolist() == [6, 4]
    book.check_conservation()


@pytest.mark.parametrize("quantity", [11, -1])
def test_a_transfer_of_what_is_not_there_moves_nothing(quantity: int) -> None:
    book = ledger()
    before = book.arrays.balance.copy()
    with pytest.raises(LedgerError, match=r"holds 10 of A, less than the 11|cannot move -1 of A"):
        book.transfer(0, 1, 0, quantity)
    assert (book.arrays.balance == before).all()


def test_an_exchange_is_both_legs_or_neither() -> None:
    """Loan tokens against collateral tokens; wallet 1 does not have the collateral."""
    book = ledger()
    before = book.arrays.balance.copy()
    with pytest.raises(LedgerError, match="account 1 holds 0 of B"):
        book.exchange([(0, 1, {2: 5}), (1, 3, {1: 1})])
    assert (book.arrays.balance == before).all()
    book.transfer(0, 1, 1, 1)
    book.exchange([(0, 1, {2: 5}), (1, 3, {1: 1})])
    assert book.collateral[0].tolist() == [0, 1, 0]
    assert book.wallets[1].tolist() == [0, 0, 5]


def test_legs_that_together_exceed_what_is_held_are_refused() -> None:
    book = ledger()
    with pytest.raises(LedgerError, match="holds 10 of A, less than the 12"):
        book.exchange([(0, 1, {0: 6}), (0, 3, {0: 6})])
    assert book.wallets[0, 0] == 10


def test_minting_and_burning() -> None:
    book = ledger()
    book.burn(0, 0, 3)
    assert (book.arrays.minted[0], book.arrays.burned[0], book.wallets[0, 0]) == (10, 3, 7)
    for quantity in (8, -1):
        with pytest.raises(LedgerError, match="cannot burn"):
            book.burn(0, 0, quantity)
    with pytest.raises(LedgerError, match="cannot mint -1 of A"):
        book.mint(0, 0, -1)
    book.check_conservation()


def test_a_lost_token_is_noticed() -> None:
    book = ledger()
    book.arrays.balance[0, 1] -= 1
    with pytest.raises(LedgerError, match="B: 10 tokens outstanding, but 9 held"):
        book.check_conservation()


def test_a_balance_below_zero_is_noticed() -> None:
    book = ledger()
    book.arrays.balance[1, 1] -= 1
    book.arrays.balance[0, 1] += 1
    with pytest.raises(LedgerError, match="account 1 holds -1 B"):
        book.check_conservation()


@given(
    tokens=st.integers(1, 7),
    wallets=st.integers(0, 70),
    accounts=st.integers(0, 140),
    lag=st.integers(0, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_holdings_are_counted_by_kind_of_account(
    tokens: int, wallets: int, accounts: int, lag: int, seed: int
) -> None:
    """However many rows there are, against numpy; one balance below zero is found anywhere."""
    book = Ledger(tuple("ABCDEFG"[:tokens]), wallets, accounts, lag)
    rng = np.random.default_rng(seed)
    balance = book.arrays.balance
    balance[:] = rng.integers(0, 2**40, balance.shape)
    book.arrays.minted[:] = balance.sum(axis=0)
    held = book.check_conservation()
    assert held.participants.tolist() == balance[:wallets].sum(axis=0).tolist()
    assert held.outside_market.tolist() == balance[wallets].tolist()
    assert held.collateral.tolist() == book.collateral.sum(axis=0).tolist()
    assert held.in_transit.tolist() == book.in_transit.sum(axis=0).tolist()
    row, token = rng.integers(len(balance)), rng.integers(tokens)
    book.arrays.minted[token] -= balance[row, token] + 1
    balance[row, token] = -1
    with pytest.raises(LedgerError, match=f"account {row} holds -1 {book.tokens[token]}"):
        book.check_conservation()


def test_unknown_tokens_are_refused() -> None:
    with pytest.raises(LedgerError, match="no token X; there are A, B, CASH"):
        ledger().token("X")


legs = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 5),
        st.dictionaries(st.integers(0, 2), st.integers(-1, 9), max_size=3),
    ),
    max_size=4,
)


@given(st.lists(legs, max_size=6))
def test_whatever_is_tried_nothing_is_lost(
    attempts: list[list[tuple[int, int, dict[int, int]]]],
) -> None:
    book = ledger()
    for attempt in attempts:
        before = book.arrays.balance.copy()
        try:
            book.exchange(attempt)
        except LedgerError:
            assert (book.arrays.balance == before).all()
        book.check_conservation()
