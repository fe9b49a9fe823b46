"""How the passes over the loan book are compiled: `@compiled` instead of `@numba.njit`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from platformdirs import user_cache_dir

F = TypeVar("F", bound=Callable[..., Any])

_njit: Any = numba.njit  # its types do not know the options of `_nrt`
_config: Any = numba.config


def compiled(function: F) -> F:
    """Compile on first call, and keep the result for other processes.

    Compiled functions allocate nothing: they work on arrays that they are handed. Numba can then
    leave out its reference counting (`_nrt`), which otherwise costs ten times the work itself where
    many arrays are passed down through small functions (numba issues 2345 and 2350).

    Numba's own cache looks at the file of the function only, and would keep a stale copy when a
    function that it calls in another file changes: here each version of all the files that it can
    call has a folder of its own. The user's `NUMBA_CACHE_DIR` goes before.
    """
    before = _config.CACHE_DIR
    if "NUMBA_CACHE_DIR" not in os.environ:
        _config.CACHE_DIR = cache_folder(Path(function.__code__.co_filename))
    try:
        return cast(F, _njit(cache=True, _nrt=False, error_model="numpy")(function))
    finally:
        _config.CACHE_DIR = before


@cache
def cache_folder(source: Path) -> str:
    """Where the compiled functions of a file are kept.

    Another folder for each text of the file, of the files of `abm` that it imports, and of those
    that these import; of numba's version, too.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for file in sorted(reached(source)):
        digest.update(_read(file)[0])
    return str(Path(user_cache_dir("collateral-abm")) / "compiled" / digest.hexdigest()[:16])


def reached(source: Path) -> set[Path]:
    """A file, and those of `abm` that it imports, itself or by others."""
    found = [source] if source.is_file() else [*_PACKAGE.rglob("*.py")]
    seen = set(found)
    while found:
        new = _read(found.pop())[1] - seen
        seen |= new
        found.extend(new)
    return seen


_PACKAGE = Path(__file__).parents[1]
_IMPORT = re.compile(rb"^[ \t]*(?:from|import) abm\.([\w.]+)(?: import (\([^)]*\)|.*))?", re.M)


@cache
def _read(source: Path) -> tuple[bytes, set[Path]]:
    """A digest of a file, and the files of `abm` that it imports."""
    text = source.read_bytes() if source.is_file() else b""
    found = {path for path in _imported(text) if path.is_file()}
    return hashlib.sha256(text).digest(), found


def _imported(text: bytes) -> Iterator[Path]:
    """Paths that the imports of a text can mean: a module, a package, or a module in a package."""
    for module, names in _IMPORT.findall(text):
        place = _PACKAGE.joinpath(*module.decode().split("."))
        yield place.with_suffix(".py")
        yield place / "__init__.py"
        yield from (place / f"{name}.py" for name in re.findall(r"\w+", names.decode()))


def inlined(function: F) -> F:
    """Compile as part of the functions that call it, and let LLVM inline it there."""
    return cast(F, _njit(_nrt=False, forceinline=True, error_model="numpy")(function))


def kept(function: F) -> F:
    """An inlined function as Python calls it, compiled once and kept for other processes.

    The function itself would be compiled anew in every process that calls it directly.
    """
    return compiled(cast(F, getattr(function, "py_func", function)))


@inlined
def unsigned(row: int) -> int:
    """A row of which the compiler knows that it need not be counted from the end.

    As a number of 64 bits, like all others, so that what is handed a row is compiled once.
    """
    return np.int64(np.uint32(row))  # type: ignore[return-value]
