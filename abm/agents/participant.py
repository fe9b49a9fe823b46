"""What lenders, borrowers and dealers have in common: a name, a wallet, equity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import mesa
import numpy as np
import numpy.typing as npt

from abm.agents.entering import entered
from abm.agents.market import Market
from abm.agents.sheet_view import SheetView
from abm.books.ledger import UNLIMITED
from abm.books.loan_book import OPEN_LOAN


class Wallet(Mapping[str, int]):
    """The tokens that a participant holds: a read-only view of its row in the ledger."""

    def __init__(self, market: Market, row: int):
        """View the wallet in a row of the ledger."""
        self._market = market
        self._row = row

    def __getitem__(self, token: str) -> int:
        tokens = self._market.tokens
        if token not in tokens:
            raise KeyError(f"no token {token}; there are {', '.join(tokens)}")
        return int(self._market.ledger.wallets[self._row, tokens.index(token)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._market.tokens)

    def __len__(self) -> int:
        return len(self._market.tokens)

    def __repr__(self) -> str:
        return repr(dict(self))


class Participant(mesa.Agent):
    """An agent with a wallet; its state is in the market's books, this is a handle on it."""

    model: Market

    def __init__(self, model: Market | None = None, name: str = "", row: int = -1):
        """Enter a participant of the market's population.

        Raises:
            InputError: it is made by hand, of no market.
        """
        super().__init__(entered(model, self))
        self.name = name
        self.row = row
        self.wallet = Wallet(self.model, row)

    def step(self) -> None:
        """What it does of itself at the start of each day, before prices are published.

        Nothing by default; a class that overrides this is called once a day.
        """

    def choose_trades(self, sheet: SheetView) -> Mapping[str, int]:
        """Tokens to buy outside the ledger this morning, negative to sell; where sheets are kept.

        By default what the scenario's `balance` has it sell and buy. What is not there is not sold,
        and what cannot be paid for is not bought.

        Args:
            sheet: its balance sheet, as the only row.
        """
        chosen = zip(self.model.tokens, sheet.default[0].tolist(), strict=True)
        return {token: quantity for token, quantity in chosen if quantity}

    @classmethod
    def choose_trades_in_columns(cls, sheets: SheetView) -> npt.NDArray[np.int64]:
        """Tokens that members buy, negative to sell, shape (rows, tokens)."""
        return sheets.default

    @property
    def role(self) -> str:
        """`lender`, `borrower` or `dealer`."""
        return self.model.population.roles[self.row]

    @property
    def equity(self) -> float:
        """Money that it can still lose before it defaults; infinite if that does not matter."""
        equity = int(self.model.standing.equity[self.row])
        return equity * self.model.unit if equity < UNLIMITED else float("inf")

    @property
    def defaulted(self) -> bool:
        """Whether it has defaulted."""
        return bool(self.model.standing.default_day[self.row] >= 0)

    def _loans(self, side: str) -> list[int]:
        """Identifiers of its open loans on one side."""
        books = self.model.books
        mine = getattr(books.accounts, side)[books.loans.account] == self.row
        return [int(i) for i in books.loans.loan_id[mine & (books.loans.state == OPEN_LOAN)]]

    def _exposure(self, side: str) -> float:
        accounts = self.model.books.accounts
        mine = np.flatnonzero(getattr(accounts, side) == self.row)
        return float(accounts.exposure[mine].sum() * self.model.unit)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"
