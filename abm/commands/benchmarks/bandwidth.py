"""How near the pass is to what the memory of the machine can move."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from abm.books.books import Books

ROUNDS = 10
"""The fastest counts, as in STREAM."""


def bytes_of_pass(books: Books, calls: np.ndarray) -> int:
    """Bytes that a day's pass must read and write: each account, its balances and its call.

    Once in and once out, as every loan of the benchmark adjusts every day; what is read again for
    deliveries, wallets and scratch are left out.
    """
    balances = len(books.accounts) * books.ledger.balance.shape[1] * books.ledger.balance.itemsize
    return 2 * (np.asarray(books.accounts).nbytes + balances + calls.nbytes)


def memory_bandwidth(size: int) -> float:
    """Bytes a second of STREAM's Add, `a = b + c`, on three arrays of `size` bytes in all.

    Two arrays read and one written count, as in STREAM (McCalpin 1995); lines that a processor
    reads before it writes them do not.
    """
    b, c = np.ones(size // 24), np.ones(size // 24)
    a = b + c
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        np.add(b, c, out=a)
        seconds.append(perf_counter() - start)
    return 3 * a.nbytes / min(seconds)
