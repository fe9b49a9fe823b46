"""Tables held to their schema: what is wrong, in one line that names the key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from scenarios.errors import InputError, nearest
from scenarios.schema import did_you_mean, inside, is_kind, names

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_type": "text",
    "string_too_short": "at least {min_length} character",
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    "too_short": "at least {min_length} in the list",
    "too_long": "at most {max_length} in the list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a table"),
    "greater_than": "a number greater than {gt:g}",
    "greater_than_equal": "a number greater than or equal to {ge:g}",
    "less_than": "a number less than {lt:g}",
    "less_than_equal": "a number less than or equal to {le:g}",
    "literal_error": "{expected}",
    "date": "a date as 2008-10-01",
}
"""What would be right, by pydantic's type of error."""


def checked(
    kind: type[Model],
    table: Mapping[str, Any],
    origin: str,
    folder: Path | None = None,
    changed: Iterable[str] = (),
) -> Model:
    """A table as the kind of table that it shall be.

    Args:
        kind: its schema.
        table: as a TOML file holds it.
        origin: named in every refusal.
        folder: what relative paths in it are relative to; the current one if not given.
        changed: dotted names of keys that were just set in a table that was right before.

    Raises:
        InputError: naming the first key that is wrong.
    """
    if not isinstance(table, Mapping):
        raise InputError(
            f"{origin}: expected a table of fields, as a dict (it is a {type(table).__name__})"
        )
    try:
        return kind.model_validate(dict(table), context={"folder": folder or Path.cwd()})
    except ValidationError as error:
        raise InputError(f"{origin}: {_explain(error, table, kind, tuple(changed))}") from None


def _explain(
    error: ValidationError, table: Any, kind: type[BaseModel], changed: tuple[str, ...]
) -> str:
    """The first thing that is wrong, in one line."""
    problems = [_Problem.of(details, table, kind) for details in error.errors()]
    # All alternatives of a union are refused: the one that gets furthest is the one meant.
    place = problems[0].place
    tried = [each for each in problems if f"{each.place}.".startswith(f"{place}.")]
    depth = max(each.place.count(".") for each in tried)
    meant = [each for each in tried if each.place.count(".") == depth]
    # One whose values fit, but not together, is meant rather than those of another type.
    first = next((each for each in meant if each.expected is None), meant[0])
    if first.names_its_place:
        apart = changed if not _covers(changed, first.place) else ()
        return ": ".join([*filter(None, [", ".join(apart)]), first.says])
    where = _where(first.place, changed)
    expected = dict.fromkeys(each.expected for each in meant if each.expected)
    says = f"expected {' or '.join(expected)}" if first.expected else first.says
    # Checks of a whole table begin with the key that they are about.
    says = says.removeprefix(f"{where.rpartition('.')[2]}: ")
    if any(says.startswith(f"{key}: ") for key in changed):
        return says
    if isinstance(first.given, str | int | float):
        near = nearest(first.given, re.findall(r"'([^']+)'", says))
        says += f" (it is {first.given!r}{near.replace(' (', '; ', 1) or ')'}"
    return f"{where}: {says}" if where else says


def _covers(changed: tuple[str, ...], place: str) -> bool:
    return any(f"{place}.".startswith(f"{key}.") for key in changed)


def _where(place: str, changed: tuple[str, ...]) -> str:
    """A place, by the keys that were just set where these are more exact or lie elsewhere."""
    if not changed or _covers(changed, place):
        return place
    below = [key for key in changed if not place or key.startswith(f"{place}.")]
    return ", ".join(below) if below else f"{', '.join(changed)}: {place}"


class _Problem(NamedTuple):
    """One finding of pydantic."""

    place: str
    """Dotted name of the key; positions in lists count from 1."""
    says: str
    expected: str | None
    """What would be right, if that can be told in a few words."""
    given: Any
    names_its_place: bool
    """Whether `says` is all that there is to say."""

    @classmethod
    def of(cls, details: Any, table: Any, kind: type[BaseModel]) -> _Problem:
        """Put one of pydantic's errors into our words."""
        of: str = details["type"]
        context: dict[str, Any] = details.get("ctx", {})
        place, around = _locate(details["loc"], table, kind, keep_last=of == "missing")
        given = details.get("input")
        tag = str(context.get("discriminator", "")).strip("'")
        match of:
            case "extra_forbidden":
                return cls(place, _unknown(place, around, kind), None, None, True)
            case "missing":
                return cls(place, f"{place} is missing", None, None, True)
            case "union_tag_not_found":
                return cls(f"{place}.{tag}", f"{place}.{tag} is missing", None, None, True)
            case "union_tag_invalid":
                known = [tag.strip("'") for tag in context["expected_tags"].split(", ")]
                near = nearest(context["tag"], known)
                says = f"{context['tag']!r} is none of {context['expected_tags']}{near}"
                return cls(f"{place}.{tag}", says, None, None, False)
            case "value_error":
                return cls(place, details["msg"].removeprefix("Value error, "), None, given, False)
        says = details["msg"]
        template = _EXPECTED.get("date" if of.startswith("date") else of)
        expected = template.format(**context) if template else None
        return cls(place, f"{says[0].lower()}{says[1:]}", expected, given, False)


def _unknown(place: str, around: tuple[Any, ...], root: type[BaseModel]) -> str:
    known = ", ".join(sorted({key for kind in around for key in names(kind)}))
    outer = place.rpartition(".")[0]
    near = did_you_mean(place, around, root)
    return f"unknown key {place}{near}; {f'{outer} has' if outer else 'there are'} {known}"


def _locate(
    location: tuple[int | str, ...], table: Any, kind: type[BaseModel], keep_last: bool
) -> tuple[str, tuple[Any, ...]]:
    """The dotted name of a key, and the types that the table around it can have.

    Pydantic also names the alternatives that it tried on the way, which are no keys.
    """
    parts: list[str] = []
    kinds: tuple[Any, ...] = (kind,)
    around = kinds
    for step, part in enumerate(location):
        chosen = tuple(each for each in kinds if is_kind(each, part))
        if len(kinds) > 1 and chosen:
            kinds = chosen
            continue
        if isinstance(table, Mapping) and part in table:
            label, table = str(part), table[part]
        elif isinstance(table, Sequence) and isinstance(part, int):
            label, table = str(part + 1), table[part] if part < len(table) else None
        elif keep_last and step == len(location) - 1:
            label = str(part)
        else:
            continue
        parts.append(label)
        around, kinds = kinds, tuple(found for each in kinds for found in inside(each, part))
    return ".".join(parts), around
