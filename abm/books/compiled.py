"""How the passes over the loan book are compiled: `@compiled` instead of `@numba.njit`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from platformdirs import user_cache_dir

F = TypeVar("F")

_njit: Any = numba.njit  # its types do not know the options of `_nrt`


COMPILED_ROOMS = ("formulas", "books", "rules", "agents", "day", "measures")
"""Folders of `abm` with compiled functions, or with constants that these read."""


def _cache_folder() -> str:
    """A folder that changes with the source of every room that holds compiled code.

    Numba's own cache looks at the file of the outermost function only, and would keep a stale copy
    when a function that it calls in another file changes.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for room in COMPILED_ROOMS:
        for source in sorted((Path(__file__).parents[1] / room).glob("*.py")):
            digest.update(source.read_bytes())
    return str(Path(user_cache_dir("collateral-abm")) / "compiled" / digest.hexdigest()[:16])


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]


def compiled(function: F) -> F:
    """Compile on first call, and keep the result for other processes.

    Compiled functions allocate nothing: they work on arrays that they are handed. Numba can then
    leave out its reference counting (`_nrt`), which otherwise costs ten times the work itself where
    many arrays are passed down through small functions (numba issues 2345 and 2350).
    """
    return cast(F, _njit(cache=True, _nrt=False, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Compile as part of the functions that call it, and let LLVM inline it there."""
    return cast(F, _njit(_nrt=False, forceinline=True, error_model="numpy")(function))


def kept(function: F) -> F:
    """An inlined function as Python calls it, compiled once and kept for other processes.

    The function itself would be compiled anew in every process that calls it directly.
    """
    return compiled(cast(F, cast(Any, function).py_func))


@inlined
def unsigned(row: int) -> int:
    """A row as a number without a sign, which need not be tested for counting from the end."""
    return np.uint32(row)  # type: ignore[return-value]
