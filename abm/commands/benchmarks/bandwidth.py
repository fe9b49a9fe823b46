"""How near the pass is to what the memory of the machine can move."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from abm.books.books import Books


def bytes_of_pass(books: Books, calls: np.ndarray) -> int:
    """Bytes that a day's pass must read and write: each account, its balances and its call.

    Once in and once out, as every loan of the benchmark adjusts every day; what is read again for
    deliveries, wallets and scratch are left out.
    """
    balances = len(books.accounts) * books.ledger.balance.shape[1] * books.ledger.balance.itemsize
    return 2 * (np.asarray(books.accounts).nbytes + balances + calls.nbytes)


def adder_of(size: int) -> Callable[[], object]:
    """STREAM's Add, `a = b + c`, on three arrays of `size` bytes in all (McCalpin 1995).

    Two arrays read and one written count, as in STREAM; lines that a processor reads before it
    writes them do not. It moves as many bytes as the triad, which numpy would make two passes of.
    """
    a, b, c = (np.ones(max(size // 24, 1)) for _ in range(3))
    return lambda: np.add(b, c, out=a)
