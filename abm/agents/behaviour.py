"""Which class decides for each participant."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

from abm.agents import Borrower, Dealer, Lender, Participant
from abm.agents.faults import told
from abm.opening.population import Population
from scenarios.errors import InputError
from scenarios.scenario import Scenario

STANDARD: Mapping[str, type[Participant]] = {
    "lender": Lender,
    "borrower": Borrower,
    "dealer": Dealer,
}


def classes_for(
    scenario: Scenario, population: Population, behaviours: Mapping[str, type[Participant]]
) -> list[type[Participant]]:
    """The class of each participant, in the order of the population.

    What Python gives prevails over the scenario, and a name over a role.

    Raises:
        InputError: a class cannot be found, or does not fit the role.
    """
    _check_given(behaviours)
    for key in behaviours:
        if key not in STANDARD and key not in population.names:
            raise InputError(f"behaviours: {key} is neither a role nor a participant")
    roles = {
        role: load_class(path, f"participants.behaviour.{role}")
        for role, path in scenario.participants.behaviour.items()
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


def _check_given(behaviours: object) -> None:
    if not isinstance(behaviours, Mapping):
        raise InputError(
            'behaviours: expected classes by role or name, as {"borrower": Mine}'
            f" (it is a {type(behaviours).__name__})"
        )
    for key, kind in behaviours.items():
        if not (isinstance(kind, type) and issubclass(kind, Participant)):
            shown = kind.__name__ if isinstance(kind, type) else repr(kind)
            raise InputError(f"behaviours: {key}: {shown} is not a participant class")


def load_class(path: str, field: str) -> type[Participant]:
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
    except ImportError as error:
        raise InputError(f"{field}: {path} cannot be loaded ({error})") from None
    except Exception as error:
        # A module is a program of the user's, and can fail in any way.
        raise InputError(f"{field}: {path} cannot be loaded ({told(error)})") from None
    if not (isinstance(kind, type) and issubclass(kind, Participant)):
        raise InputError(f"{field}: {path} is not a participant class")
    return kind
