"""What a process reads or works out once, and shares among the markets that it simulates."""

from __future__ import annotations

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")

SETTLED = 2.0
"""Seconds after which a file that changes again is sure to get another time: file systems round it,
the coarsest to two seconds."""


class Kept:
    """Results by what they were made of; beyond a number of them the oldest unused one goes."""

    def __init__(self, most: int):
        """Keep so many."""
        self._most = most
        self._found: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What was made for a key, or what `make` makes now; what raises is not kept."""
        if key in self._found:
            self._found.move_to_end(key)
            found: Value = self._found[key]
            return found
        value = make()
        self._found[key] = value
        while len(self._found) > self._most:
            self._found.popitem(last=False)
        return value


def shared(whole: object) -> Kept:
    """What is worked out once for an object that does not change, such as a scenario."""
    of = _OBJECTS.get(id(whole), lambda: (whole, Kept(8)))
    return of[1]


_OBJECTS = Kept(64)
"""Objects with what is kept of them, by identity, which nothing else can have while they live."""


def content_of(path: str) -> str | None:
    """A name for what a file holds, which another content does not have; None for no file.

    The file is read once, and again when its size or one of its times has changed, or is so recent
    that a change might not show in it.
    """
    try:
        told = os.stat(path)  # noqa: PTH116  a path object costs more than the question
    except OSError:
        return None
    stamp = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
    if time.time() - max(told.st_mtime, told.st_ctime) <= SETTLED:
        return _digest(path)
    return _DIGESTS.get((path, stamp), lambda: _digest(path))


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


_DIGESTS = Kept(1000)
"""By path, size and times."""
