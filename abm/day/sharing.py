"""The deliveries of borrowers that are short of something, which their calls share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from abm.agents.market import Market
from abm.rules.apportion import MINT, Shares
from abm.rules.shortage import can_be_short, share, short_calls

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Sharing:
    """Finds out who is short, and plans what each of its calls gets."""

    def __init__(self, market: Market):
        """Serve a market whose capacities are known."""
        self._market = market
        self.any = can_be_short(market.books)
        """Whether anybody can ever be short."""
        self._planned: dict[int, Share] = {}
        self._waiting: dict[int, dict[int, int]] = {}

    def short(self, account: Ints) -> Bools:
        """Which of some calls are on borrowers that are short, shape (calls,)."""
        if not self.any:
            return np.zeros(len(account), np.bool_)
        return short_calls(self._market.books, self._market.prices, account)

    def plan(self, account: Ints, group: Ints) -> Shares:
        """What calls get that are on borrowers that are short; the lowest group is served first."""
        return share(self._market.books, self._market.prices, account, group)[0]

    def await_answers(self, account: Ints, group: Ints) -> None:
        """Take in the calls about which borrowers are asked one by one."""
        self._planned, self._waiting = {}, {}
        if not self.any:
            return
        borrower = self._market.books.accounts.borrower[account].tolist()
        for who, a, number in zip(borrower, account.tolist(), group.tolist(), strict=True):
            self._waiting.setdefault(who, {})[a] = number
        self._plan(account, group)

    def of(self, a: int) -> Share | None:
        """What the call on an account gets if its borrower is short; `None` if it is not."""
        return self._planned.get(a)

    def others(self, a: int) -> bool:
        """Whether the borrower of an account has still to be asked about others."""
        who = int(self._market.books.accounts.borrower[a])
        return len(self._waiting.get(who, {})) > 1

    def answered(self, a: int, as_planned: bool) -> None:
        """A call has been served. Where it was otherwise than planned, the others share anew."""
        waiting = self._waiting.get(int(self._market.books.accounts.borrower[a]), {})
        waiting.pop(a, None)
        if as_planned or not waiting:
            return
        for other in waiting:
            self._planned.pop(other, None)
        rows, groups = np.array(list(waiting.items()), np.int64).T
        self._plan(rows, groups)

    def _plan(self, account: Ints, group: Ints) -> None:
        mine = self.short(account)
        if mine.any():
            for one in each_share(self.plan(account[mine], group[mine])):
                self._planned[one.account] = one


class Share:
    """What one call gets."""

    def __init__(self, shares: Shares, call: int):
        """One of those that were planned together."""
        self.shares, self.call = shares, call

    @property
    def account(self) -> int:
        """Row of the account."""
        return int(self.shares.account[self.call])

    @property
    def moved(self) -> Ints:
        """Tokens by source, shape (4, tokens)."""
        return self.shares.moved[self.call]

    @property
    def quantities(self) -> Ints:
        """Tokens from all sources, shape (tokens,)."""
        return self.moved[: MINT + 1].sum(axis=0)


def each_share(shares: Shares) -> Iterator[Share]:
    """What was planned, call by call."""
    for call in range(len(shares.account)):
        yield Share(shares, call)
