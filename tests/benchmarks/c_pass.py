"""The margin pass in C, on the arrays of a market."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from abm.model import CollateralMarket

SOURCE = Path(__file__).with_name("margin_pass.c")


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")


class CPass:
    """The pass, compiled at -O3 and with `CFLAGS`, bound to a market's books."""

    def __init__(self, market: CollateralMarket):
        books = market.books
        cc = compiler()
        assert cc is not None
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "margin_pass.so"
            flags = ["-O3", *os.environ.get("CFLAGS", "").split()]
            command = [cc, *flags, "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
            subprocess.run(command, check=True, capture_output=True)
            self._run = ctypes.CDLL(str(library)).margin_pass
        columns = (
            "daily",
            "delivery_up",
            "return_up",
            "lender_issuance",
            "minimum_transfer",
            "every_call_issues",
            "eligible",
        )
        self._terms = np.column_stack(
            [np.asarray(getattr(books.terms, name), np.int64) for name in columns]
        ).copy()
        self._calls = np.zeros(len(books.accounts), np.int8)
        self.totals = np.zeros(len(books.totals))
        self._market = market

    def __call__(self, prices: np.ndarray) -> None:
        """Run one day's margining."""
        books = self._market.books
        ledger = books.ledger
        self._run(
            ctypes.c_int64(len(books.accounts)),
            ctypes.c_int64(len(prices)),
            ctypes.c_int64(len(ledger.balance)),
            *(
                ctypes.c_void_p(array.ctypes.data)
                for array in (
                    np.asarray(books.accounts),
                    ledger.balance[ledger.collateral_row :],
                    ledger.balance,
                    ledger.capacity,
                    ledger.minted,
                    prices,
                    self._terms,
                    books.priority,
                    self._calls,
                    self.totals,
                )
            ),
        )
