"""Walking a schema: which keys a table can have, and of which types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from scenarios.errors import nearest

KINDS = ("source", "topology", "kind")
"""Keys by which a table says which of several kinds it is."""


def inside(kind: Any, key: str | int) -> tuple[Any, ...]:
    """The types of a key of a type, or of the entries of a list; none if it has no such key."""
    if is_model(kind):
        field = kind.model_fields.get(key)
        return tuple(flat(field.annotation)) if field else ()
    origin, inner = get_origin(kind), get_args(kind)
    if origin is dict:
        return tuple(flat(inner[1]))
    if isinstance(key, int) and origin in (list, tuple):
        return tuple(flat(inner[0] if origin is list or inner[-1] is ... else inner[key]))
    return ()


def did_you_mean(place: str, around: Iterable[Any], root: Any) -> str:
    """` (did you mean X?)` for a key that its table does not have; nothing if none is near.

    The nearest key of that table, or else the places of a key of that very name in other tables.

    Args:
        place: dotted name of the key.
        around: types that the table can have.
        root: type of the outermost table.
    """
    outer, _, key = place.rpartition(".")
    there = [name for kind in around for name in names(kind)]
    near = nearest(key, there, f"{outer}." if outer else "")
    if near:
        return near
    places = [name for name in dict.fromkeys(dotted(root)) if name.rpartition(".")[2] == key]
    places = [name for name in places if name.rpartition(".")[0] != outer][:3]
    return f" (did you mean {' or '.join(places)}?)" if places else ""


def dotted(kind: Any, prefix: str = "", depth: int = 4) -> Iterator[str]:
    """Dotted names of the keys of a table and of the tables in it, down to so many levels.

    Lists and tables by names of one's own are left out, as their entries have no names here.
    """
    for key in names(kind):
        yield prefix + key
        if depth > 1:
            for inner in inside(kind, key):
                yield from dotted(inner, f"{prefix}{key}.", depth - 1)


def names(kind: Any) -> list[str]:
    """The keys that a type has by name."""
    return list(kind.model_fields) if is_model(kind) else []


def is_model(kind: Any) -> bool:
    """Whether a type is a table with keys of its own."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def is_kind(kind: Any, tag: str | int) -> bool:
    """Whether a type is the table of this kind, where one of `KINDS` tells several apart."""
    fields = kind.model_fields if is_model(kind) else {}
    return any(key in fields and tag in get_args(fields[key].annotation) for key in KINDS)


def flat(annotation: Any) -> Iterator[Any]:
    """The types that an annotation stands for, unions taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from flat(get_args(annotation)[0])
    elif origin is Union or type(annotation).__name__ == "UnionType":
        for part in get_args(annotation):
            yield from flat(part)
    else:
        yield annotation
