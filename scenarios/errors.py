"""The one kind of error that a user's input can cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager


class InputError(ValueError):
    """Input that cannot be used: one line that names the place and says what would be right."""


@contextmanager
def named(origin: str) -> Iterator[None]:
    """Have what is refused inside say where it comes from."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{origin}: {error}") from None


def nearest(given: object, known: Iterable[object], prefix: str = "") -> str:
    """` (did you mean X?)` for the known name that one is nearest to; nothing if none is near.

    Args:
        given: a name that nobody knows.
        known: those that there are.
        prefix: what stands before any of them.
    """
    from difflib import get_close_matches

    wanted = str(given)
    names = {str(name).lower(): str(name) for name in known if str(name) != wanted}
    near = get_close_matches(wanted.lower(), names, n=1, cutoff=0.7)
    return f" (did you mean {prefix}{names[near[0]]}?)" if near else ""


def refuse_unpriced(token: str, priced: Sequence[str]) -> None:
    """See that a token that a scenario names is one of those that have a price.

    Raises:
        InputError: it is not.
    """
    if token not in priced:
        raise InputError(
            f"{token} has no price{nearest(token, priced)}; priced are {', '.join(priced)}"
        )
