"""The reference of scenario files, written from their schema.

`python -m scenarios.reference > docs/scenarios.md`
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from scenarios.prices import SOURCES
from scenarios.scenario import Scenario
from scenarios.table import Table

HEAD = """\
# Scenario files

A scenario is a TOML file with the tables below; unknown keys are refused by name. To begin with,
`collateral init mine.toml` writes one that runs and says what can be changed in it.
`collateral scenarios` lists those that are bundled; `collateral scenarios show NAME` prints one,
`copy NAME FILE` copies it to change it, and `check FILE` says what a file would simulate and what
that takes. From Python, any field can be replaced by its dotted name:
`CollateralMarket("crash", **{"agreement.haircut": 0.1})`, and on the command line with
`--set agreement.haircut=0.1`.

*This page is written from the schema by `python -m scenarios.reference`.*
"""


def reference() -> str:
    """The page, in Markdown."""
    parts = [HEAD, _section("Top level", Scenario)]
    for name, field in Scenario.model_fields.items():
        if name == "prices":
            continue
        for title, model in _tables(name, field.annotation, field):
            parts.append(_section(title, model))
    parts.append(
        "## `[prices]`\n\nOne of these sources, told apart by `source`;"
        " [prices.md](prices.md) shows each.\n"
    )
    for source in SOURCES:
        kind = get_args(source.model_fields["source"].annotation)[0]
        parts.append(_section(f'`source = "{kind}"`', source, level=3))
    return "\n".join(parts)


def _tables(name: str, kind: Any, field: FieldInfo | None) -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables that a field can hold, with what a file calls them."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        which = ""
        for key in ("topology", "kind"):
            options = (
                get_args(kind.model_fields[key].annotation) if key in kind.model_fields else ()
            )
            if len(options) == 1:
                which = f' with `{key} = "{options[0]}"`'
        yield f"`[{name}]`{which}", kind
        for key, part in kind.model_fields.items():
            yield from _tables(f"{name}.{key}", part.annotation, part)
    elif origin in (Union, types.UnionType, Annotated):
        for part in inner:
            yield from _tables(name, part, field)
    elif origin is tuple and inner[-1] is Ellipsis:
        for title, model in _tables(name, inner[0], None):
            yield (f"`[[{name}]]`" if title == f"`[{name}]`" else title), model
    elif origin is dict:
        for title, model in _tables(name, inner[1], None):
            if title == f"`[{name}]`":
                yield f"`[{name}.NAME]`", model


_SEEN = {
    "`[agreements.NAME]`": "`[agreement]`",
    "`[loans.spread]`": "`[loan.spread]`",
    "`[[loans.mixes]]`": "`[[loan.mixes]]`",
    "`[loans.start]`": "`[loan.start]`",
    "`[loans.maturity]`": "`[loan.maturity]`",
    "`[participants.size]`": "`[loan.spread]`",
    "`[participants.inventory_spread]`": "`[loan.spread]`",
}
"""Tables with the fields of another one."""


def _section(title: str, model: type[BaseModel], level: int = 2) -> str:
    if title in _SEEN:
        return f"{'#' * level} {title}\n\nThe same fields as {_SEEN[title]}.\n"
    summary = (model.__doc__ or "").strip()
    lines = [f"{'#' * level} {title}", "", _paragraphs(summary), ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        meaning = " ".join(meanings.get(name, "").split())
        kind = _kind(field.annotation, field).replace("|", "\\|")
        lines.append(f"| `{name}` | {kind} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below each field where it is declared.

    Read here and not by pydantic, which would do so whenever a scenario is imported.
    """
    found = {}
    for table in reversed(model.__mro__):
        if not issubclass(table, Table):
            continue
        (declared,) = ast.parse(textwrap.dedent(inspect.getsource(table))).body
        for field, below in pairwise(getattr(declared, "body", [])):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                told = below.value if isinstance(below, ast.Expr) else None
                text = told.value if isinstance(told, ast.Constant) else ""
                found[field.target.id] = str(text)
    return found


def _paragraphs(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ((), {}, ""):
        return ""
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else repr(value)}`".replace("'", '"')


def _kind(kind: Any, field: FieldInfo | None = None) -> str:
    """A type in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is type(None):
        return ""
    if origin is Annotated:
        return _kind(inner[0]) + _bounds(inner[1:])
    if origin is Literal:
        return ", ".join(
            f'"{option}"' if isinstance(option, str) else str(option) for option in inner
        )
    if origin in (Union, types.UnionType):
        options = [_kind(part) for part in inner]
        text = " or ".join(dict.fromkeys(option for option in options if option))
        return text + (_bounds(field.metadata) if field else "")
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return f"list of {_kind(inner[0])}"
        return f"[{', '.join(_kind(part) for part in inner)}]"
    if origin is dict:
        return f"table of {_kind(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    name = getattr(kind, "__name__", str(kind))
    return names.get(name, name) + (_bounds(field.metadata) if field else "")


def _bounds(metadata: Any) -> str:
    """Limits of a number, as `(> 0, < 1)`."""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = []
    for item in metadata:
        for part in getattr(item, "metadata", [item]):
            found += [
                f"{sign} {getattr(part, key)}"
                for key, sign in signs.items()
                if getattr(part, key, None) is not None
            ]
    return f" ({', '.join(found)})" if found else ""


if __name__ == "__main__":
    print(reference(), end="")
