"""Which class decides for each participant, for the oracle and for the clearing house."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import mesa

from abm.agents import Borrower, ClearingHouse, Dealer, Lender, Oracle, Participant
from abm.books.population import Population
from scenarios.errors import InputError
from scenarios.scenario import Scenario

STANDARD: Mapping[str, type[Participant]] = {
    "lender": Lender,
    "borrower": Borrower,
    "dealer": Dealer,
}

SERVICES: Mapping[str, type[Any]] = {"oracle": Oracle, "clearing_house": ClearingHouse}


def classes_for(
    scenario: Scenario, population: Population, behaviours: Mapping[str, type[Any]]
) -> list[type[Participant]]:
    """The class of each participant, in the order of the population.

    What Python gives prevails over the scenario, and a name over a role.

    Raises:
        InputError: a class cannot be found, or does not fit the role.
    """
    for key in behaviours:
        if key not in {*STANDARD, *SERVICES, *population.names}:
            raise InputError(
                f"behaviours: {key} is neither a participant nor one of"
                f" {', '.join((*STANDARD, *SERVICES))}"
            )
    roles = {
        role: load_class(path, f"participants.behaviour.{role}")
        for role, path in scenario.participants.behaviour.items()
        if role in STANDARD
    }
    classes = []
    for row, (name, role) in enumerate(zip(population.names, population.roles, strict=True)):
        given = population.given.get(row)
        kind = behaviours.get(name) or behaviours.get(role)
        if kind is None and given is not None and given.behaviour is not None:
            kind = load_class(given.behaviour, f"participants.given: {name}.behaviour")
        kind = kind or roles.get(role) or STANDARD[role]
        if not issubclass(kind, STANDARD[role]):
            raise InputError(
                f"{name}: {kind.__name__} does not extend {STANDARD[role].__name__},"
                f" as a {role} must"
            )
        classes.append(kind)
    return classes


def services_for(
    scenario: Scenario, behaviours: Mapping[str, type[Any]]
) -> tuple[type[Oracle], type[ClearingHouse]]:
    """The classes of the oracle and of the clearing house.

    Raises:
        InputError: a class cannot be found, or does not extend the standard one.
    """
    kinds = []
    for name, standard in SERVICES.items():
        path = scenario.participants.behaviour.get(name)  # type: ignore[call-overload]
        kind = behaviours.get(name)
        if kind is None:
            kind = (
                load_class(path, f"participants.behaviour.{name}", mesa.Agent) if path else standard
            )
        if not issubclass(kind, standard):
            raise InputError(f"{name}: {kind.__name__} does not extend {standard.__name__}")
        kinds.append(kind)
    return kinds[0], kinds[1]


def load_class(path: str, field: str, base: type = Participant) -> type[Any]:
    """The class that a scenario names as `module:Class`; modules are also found where one works.

    Raises:
        InputError: there is no such module or class.
    """
    module, _, name = path.partition(":")
    if not name:
        raise InputError(f"{field}: {path!r} is not of the form module:Class")
    if "" not in sys.path:
        sys.path.append("")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{field}: {path} cannot be loaded ({error})") from None
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise InputError(f"{field}: {path} is not a participant class")
    return kind
