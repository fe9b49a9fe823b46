"""What a change of a scenario's fields means: which terms a model replaces, and what cannot act."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scenarios.agreement import terms_of_model
from scenarios.errors import InputError

if TYPE_CHECKING:
    pass


def replaced_terms(changes: Mapping[str, Any]) -> Iterator[str]:
    """The terms of an agreement that a change of its `model` puts in the place of given ones.

    A model that is set from outside, as a factor, with `--set`, from Python or on the page, is the
    paper's: it replaces every term by which the paper's models differ, whatever the scenario's file
    says of them. Terms that are set in the same breath prevail.

    Args:
        changes: by dotted names of fields.

    Yields:
        Dotted names.
    """
    for field, model in changes.items():
        agreement, _, last = field.rpartition(".")
        of_terms = agreement.split(".")[0] in ("agreement", "agreements")
        if last == "model" and of_terms and model is not None:
            for term in terms_of_model(0):
                name = f"{agreement}.{term}"
                if name not in changes:
                    yield name


def keeping(changes: Mapping[str, Any], scenario: Any, kept: Collection[str]) -> dict[str, Any]:
    """Changes in which terms that were set on purpose before prevail over a model, too.

    Args:
        changes: by dotted names of fields.
        scenario: what they change, with the terms to keep.
        kept: dotted names of fields.
    """
    complete = dict(changes)
    for name in replaced_terms(changes):
        if name in kept:
            value: Any = scenario
            for key in name.split("."):
                value = value[key] if isinstance(value, dict) else getattr(value, key)
            complete[name] = value
    return complete


def in_effect(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What changes come to, whatever they are called: two that come to the same, make one market.

    A table that is replaced takes along what was set inside it before, and a model that the paper
    knows counts as the terms it stands for.
    """
    effect: dict[str, Any] = {}
    for field, value in changes.items():
        for inside in [name for name in effect if name.startswith(f"{field}.")]:
            del effect[inside]
        effect[field] = value
    for name in replaced_terms(changes):
        agreement, _, term = name.rpartition(".")
        model = changes[f"{agreement}.model"]
        effect.pop(f"{agreement}.model", None)
        try:
            effect[name] = terms_of_model(model)[term]
        except InputError:
            effect[f"{agreement}.model"] = model
    return effect


def refuse_inert(scenario: Any, changed: Collection[str]) -> None:
    """See that fields that were just changed can act in the scenario that they are in.

    Args:
        scenario: after the change.
        changed: dotted names.

    Raises:
        InputError: naming the first that would change nothing.
    """
    for field in changed:
        reason = _inert(scenario, field)
        if reason:
            raise InputError(f"{field}: {reason}")


def _inert(scenario: Any, field: str) -> str | None:
    """Why a field can make no difference, if it cannot."""
    table, _, last = field.rpartition(".")
    one_by_one = bool(scenario.loans) or scenario.network.topology == "file"
    drawn = field == "network" or table == "network" or field in _NUMBERS
    if one_by_one and drawn and field not in ("network", "network.topology", "network.file"):
        return "changes nothing, as the loans are given one by one; change [[loans]] or the file"
    if scenario.loans and field in ("network", "network.topology", "network.file"):
        return "changes nothing beside [[loans]], which are given one by one"
    if scenario.loans or scenario.book is not None:
        used = {loan.agreement for loan in scenario.loans}
        if scenario.book is not None:
            used = {scenario.book.against_cash, scenario.book.against_securities}
        if field.startswith("agreement.") and None not in used:
            known = ", ".join(sorted(f"agreements.{name}" for name in used))
            return f"no loan uses [agreement]; they use {known}"
        if field.startswith("agreements."):
            name = field.split(".")[1]
            if name not in used:
                return f"no loan uses the agreement {name}"
    if field == "participants.dealers":
        topology, dealers = scenario.network.topology, scenario.participants.dealers
        most = {"random-bipartite": 0, "scale-free": 0, "agent-lender": 1}.get(topology, dealers)
        if dealers > most:
            return f"{topology} has a place for {most or 'none'}; more would stand idle"
    return _inert_shape(scenario, table, last)


_NUMBERS = ("participants.lenders", "participants.borrowers", "participants.dealers")


def _inert_shape(scenario: Any, table: str, last: str) -> str | None:
    """Why a parameter of a distribution is not read, if it is not."""
    needs = {"sigma": "lognormal", "alpha": "pareto"}.get(last)
    found: Any = scenario
    for key in table.split(".") if needs else ():
        found = getattr(found, key, None)
    kind = getattr(found, "kind", None)
    if needs is None or kind is None or kind == needs:
        return None
    return f'changes nothing in sizes of kind = "{kind}"; it goes with kind = "{needs}"'
