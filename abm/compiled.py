"""How the passes over the loan book are compiled: `@compiled` instead of `@numba.njit`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from platformdirs import user_cache_dir

F = TypeVar("F")


def _cache_folder() -> str:
    """A folder that changes with our source.

    Numba's own cache looks at the file of the outermost function only, and would keep a stale copy
    when a function that it calls in another file changes.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return str(Path(user_cache_dir("collateral-abm")) / "compiled" / digest.hexdigest()[:16])


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]


def compiled(function: F) -> F:
    """Compile on first call, and keep the result for other processes."""
    return cast(F, numba.njit(cache=True)(cast(Any, function)))


def inlined(function: F) -> F:
    """Compile as part of the functions that call it, and let LLVM inline it there."""
    return cast(F, numba.njit(cast(Any, function)))
