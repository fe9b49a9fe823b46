"""The token ledger: who holds how many tokens, in whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from abm.books.compiled import compiled, inlined, kept, unsigned

UNLIMITED = np.int64(2**62)
"""An issuance capacity that never runs out."""

ABUNDANT = UNLIMITED // 8
"""From here on a capacity cannot run out in a day; so does not that beyond a balance sheet."""

LARGEST_VALUE = 2**62
"""Market values of collateral must stay below this to be safe in int64."""

Ints = npt.NDArray[np.int64]


class LedgerError(RuntimeError):
    """A movement that the ledger refuses; nothing has moved."""


class LedgerArrays(NamedTuple):
    """The ledger's state, as compiled passes read and change it.

    `balance` has one row an account and one column a token. The rows are the participants'
    wallets, one wallet of the outside market, one collateral account per margin account from
    `collateral_row` on, and from `transit_row` on what is in transit to each of them, one block
    per day until settlement. A token's balances lie side by side in memory, for the passes that
    value or count many accounts at once.
    """

    balance: Ints
    minted: Ints
    burned: Ints
    capacity: Ints
    """Tokens that each wallet's owner can still have minted, shape (wallets, tokens)."""
    arriving: Ints
    """Tokens whose minting is under way, shape (minting days, wallets, tokens)."""
    collateral_row: int
    transit_row: int


@inlined
def account_row(ledger: LedgerArrays, a: int) -> int:
    """The row that holds the collateral of a margin account."""
    return unsigned(ledger.collateral_row + a)


@inlined
def move(balance: Ints, source: int, target: int, token: int, quantity: int) -> None:
    """The one transfer primitive; callers have checked that the source holds the quantity."""
    balance[source, token] -= quantity
    balance[target, token] += quantity


@inlined
def issue(ledger: LedgerArrays, row: int, token: int, quantity: int) -> None:
    """Mint new tokens into a row."""
    ledger.minted[token] += quantity
    ledger.balance[row, token] += quantity


@inlined
def redeem(ledger: LedgerArrays, row: int, token: int, quantity: int) -> None:
    """Burn tokens of a row."""
    ledger.burned[token] += quantity
    ledger.balance[row, token] -= quantity


_issue, _redeem, _move = kept(issue), kept(redeem), kept(move)


class Ledger:
    """Balances of tokens by account, and how many were ever minted and burned.

    Minting and burning go through the custodian; every other movement is a `transfer` or an
    `exchange` of several, which happen as a whole or not at all.
    """

    def __init__(
        self,
        tokens: tuple[str, ...],
        wallets: int,
        accounts: int,
        longest_lag: int = 0,
        minting_days: int = 0,
    ):
        """Open empty accounts for `wallets` participants and `accounts` margin accounts."""
        self.tokens = tokens
        self.outside_market = wallets
        collateral_row = wallets + 1
        transit_row = collateral_row + accounts
        rows = transit_row + accounts * longest_lag
        shape = (rows, len(tokens))
        self.arrays = LedgerArrays(
            balance=np.zeros(shape, np.int64, order="F"),
            minted=np.zeros(len(tokens), np.int64),
            burned=np.zeros(len(tokens), np.int64),
            capacity=np.full((collateral_row, len(tokens)), UNLIMITED, np.int64),
            arriving=np.zeros((minting_days, collateral_row, len(tokens)), np.int64),
            collateral_row=collateral_row,
            transit_row=transit_row,
        )

    @property
    def wallets(self) -> Ints:
        """Wallet balances, shape (participants + outside market, tokens)."""
        return self.arrays.balance[: self.arrays.collateral_row]

    @property
    def collateral(self) -> Ints:
        """Tokens held in collateral accounts, shape (margin accounts, tokens)."""
        return self.arrays.balance[self.arrays.collateral_row : self.arrays.transit_row]

    @property
    def in_transit(self) -> Ints:
        """Tokens on their way to collateral accounts, shape (lag · accounts, tokens)."""
        return self.arrays.balance[self.arrays.transit_row :]

    def token(self, name: str) -> int:
        """The column of a token.

        Raises:
            LedgerError: there is no such token.
        """
        try:
            return self.tokens.index(name)
        except ValueError:
            raise LedgerError(f"no token {name}; there are {', '.join(self.tokens)}") from None

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Put newly issued tokens into an account."""
        if quantity < 0:
            raise LedgerError(f"cannot mint {quantity} of {self.tokens[token]}")
        _issue(self.arrays, row, token, quantity)

    def burn(self, row: int, token: int, quantity: int) -> None:
        """Take redeemed tokens out of circulation."""
        held = int(self.arrays.balance[row, token])
        if not 0 <= quantity <= held:
            raise LedgerError(
                f"cannot burn {quantity} of {self.tokens[token]}: account {row} holds {held}"
            )
        _redeem(self.arrays, row, token, quantity)

    def transfer(self, source: int, target: int, token: int, quantity: int) -> None:
        """Move tokens from one account to another.

        Raises:
            LedgerError: the quantity is negative or more than the source holds.
        """
        self.exchange([(source, target, {token: quantity})])

    def exchange(self, legs: Iterable[tuple[int, int, Mapping[int, int]]]) -> None:
        """Move several legs (source, target, quantity by token) together, or none of them.

        Raises:
            LedgerError: a source does not hold what its legs move; nothing has moved.
        """
        legs = [(source, target, dict(moved)) for source, target, moved in legs]
        needed: dict[tuple[int, int], int] = {}
        for source, _, moved in legs:
            for token, quantity in moved.items():
                if quantity < 0:
                    raise LedgerError(f"cannot move {quantity} of {self.tokens[token]}")
                needed[source, token] = needed.get((source, token), 0) + int(quantity)
        balance = self.arrays.balance
        for (source, token), quantity in needed.items():
            if quantity > balance[source, token]:
                raise LedgerError(
                    f"account {source} holds {balance[source, token]} of {self.tokens[token]},"
                    f" less than the {quantity} to be moved"
                )
        for source, target, moved in legs:
            for token, quantity in moved.items():
                _move(balance, source, target, token, quantity)

    def check_conservation(self) -> Holdings:
        """Every token minted and not burned is in exactly one account, and none is below zero.

        Returns:
            What the accounts hold together.

        Raises:
            LedgerError: naming the first token of which some are missing or too many.
        """
        held = np.empty((len(Holdings._fields), len(self.tokens)), np.int64)
        if not count_holdings(self.arrays, self.outside_market, held):
            self._refuse(held.sum(axis=0))
        return Holdings(*held)

    def _refuse(self, counted: Ints) -> NoReturn:
        """Say what is wrong with the balances."""
        arrays = self.arrays
        outstanding = arrays.minted - arrays.burned
        for column in np.flatnonzero(counted != outstanding):
            raise LedgerError(
                f"{self.tokens[column]}: {outstanding[column]} tokens outstanding,"
                f" but {counted[column]} held in wallets, as collateral and in transit"
            )
        row, token = (int(i) for i in np.argwhere(arrays.balance < 0)[0])
        raise LedgerError(f"account {row} holds {arrays.balance[row, token]} {self.tokens[token]}")


class Holdings(NamedTuple):
    """Tokens that accounts of one kind hold together, each of shape (tokens,)."""

    participants: Ints
    outside_market: Ints
    collateral: Ints
    in_transit: Ints


@compiled
def count_holdings(ledger: LedgerArrays, outside_market: int, held: Ints) -> bool:
    """Add up who holds what; says whether it is what is outstanding, and no balance below zero.

    Args:
        ledger: with the balances.
        outside_market: its row, the first behind the participants'.
        held: gets the sums, shape (kinds of `Holdings`, tokens).
    """
    signs = 0
    right = True
    for token in range(held.shape[1]):
        balance = ledger.balance[:, token]
        counted = 0
        start = 0
        ends = (outside_market, ledger.collateral_row, ledger.transit_row, len(balance))
        for kind in range(len(held)):
            total = 0
            for row in range(start, ends[kind]):
                total += balance[unsigned(row)]
                signs |= balance[unsigned(row)]
            held[kind, token] = total
            counted += total
            start = ends[kind]
        right &= counted == ledger.minted[token] - ledger.burned[token]
    return right and signs >= 0
