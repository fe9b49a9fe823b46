"""The fields of a scenario by their dotted names, looked up in its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.errors import InputError
from scenarios.scenario import Scenario
from scenarios.schema import KINDS, did_you_mean, inside, is_model, names

SHORT = {"model": "agreement.model"}
"""Names of fields that are varied so often that they have a short one."""


def field_types(name: str) -> tuple[Any, ...]:
    """The types that a field of a scenario can have, by its dotted name.

    Raises:
        InputError: a scenario has no such field.
    """
    kinds: tuple[Any, ...] = (Scenario,)
    done: list[str] = []
    for key in name.split("."):
        inner = tuple(found for kind in kinds for found in inside(kind, key))
        if not inner:
            known = sorted({field for kind in kinds for field in names(kind)})
            where = f"; {'.'.join(done) or 'a scenario'} has {', '.join(known)}" if known else ""
            near = did_you_mean(".".join([*done, key]), kinds, Scenario)
            raise InputError(f"{name}: a scenario has no such field{near}{where}")
        kinds = inner
        done.append(key)
    return kinds


def is_whole(name: str) -> bool:
    """Whether only whole numbers can be a field's value."""
    kinds = field_types(name)
    return int in kinds and float not in kinds


def as_changes(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Changes by dotted names, from a table as TOML has it.

    Tables of fields are merged into the scenario's, so that `participants = { dealers = 4 }` leaves
    the lenders alone. All else is replaced as a whole: numbers, lists, tokens and their quantities,
    a distribution in the place of a number, a price source that names its `source`, a network that
    names its `topology`, a price impact that names its `kind`.

    Raises:
        InputError: a scenario has no such field.
    """
    changes = {}
    for key, value in table.items():
        name = SHORT.get(key, key) if not prefix else f"{prefix}.{key}"
        kinds = field_types(name)
        models = [kind for kind in kinds if is_model(kind)]
        numbers = set(kinds) - {*models, type(None)}
        merged = isinstance(value, Mapping) and models and not numbers
        if merged and not _names_its_kind(models, value):
            changes.update(as_changes(value, name))
        else:
            changes[name] = value
    return changes


def _names_its_kind(models: list[Any], value: Mapping[str, Any]) -> bool:
    named = any(tag in model.model_fields and tag in value for model in models for tag in KINDS)
    return named and len(models) > 1
