"""Rows whose columns are attributes: one record a row, as compiled passes read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt


class Records(np.recarray[Any, Any]):
    """A record array whose columns Python finds five times as fast as those of `np.recarray`.

    A subclass names its columns. Compiled code sees no difference.
    """

    layout: ClassVar[np.dtype[Any]]
    __getattribute__ = np.ndarray.__getattribute__
    __setattr__ = np.ndarray.__setattr__

    def __init_subclass__(cls, columns: Sequence[tuple[str, str]] = ()) -> None:
        """Give it these columns, by name and numpy's word for what they hold."""
        cls.layout = np.dtype((np.record, np.dtype([*columns], align=True)))
        for name, _ in columns:
            setattr(cls, name, _column(name))

    @classmethod
    def zeros(cls, count: int) -> Any:
        """So many rows of zeros."""
        return np.zeros(count, cls.layout).view(cls)


def _column(name: str) -> property:
    def get(self: Records) -> npt.NDArray[Any]:
        return self.view(np.ndarray)[name]

    def put(self: Records, values: npt.ArrayLike) -> None:
        self.view(np.ndarray)[name] = values

    return property(get, put)
