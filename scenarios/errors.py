"""The one kind of error that a user's input can cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class InputError(ValueError):
    """Input that cannot be used: one line that names the place and says what would be right."""


@contextmanager
def named(origin: str) -> Iterator[None]:
    """Have what is refused inside say where it comes from."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None


def refuse_unpriced(token: str, priced: Sequence[str]) -> None:
    """See that a token that a scenario names is one of those that have a price.

    Raises:
        InputError: it is not.
    """
    if token not in priced:
        raise InputError(f"{token} has no price; priced are {', '.join(priced)}")
