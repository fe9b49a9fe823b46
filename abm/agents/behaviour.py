"""Which class decides for each participant, for the oracle and for the clearing house."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from abm.agents import Borrower, ClearingHouse, Dealer, Lender, Oracle, Participant
from abm.agents.decisions import refuse_unknown
from abm.books.population import Population
from scenarios.errors import InputError, nearest
from scenarios.own import load
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
    _check_given(behaviours)
    standard, given_own = _standard(scenario), [g.behaviour for g in population.given.values()]
    if not (behaviours or scenario.participants.behaviour or any(given_own)):
        return [standard[role] for role in population.roles]
    for key in behaviours:
        known = (*STANDARD, *SERVICES, *population.names)
        if key not in known:
            raise InputError(
                f"behaviours: {key}{nearest(key, known)} is neither a participant nor one of"
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
        kind = kind or roles.get(role) or standard[role]
        _check_role(kind, name, role)
        classes.append(kind)
    for kind in dict.fromkeys(classes):
        refuse_unknown(kind)
    return classes


def _check_role(kind: type[Any], name: str, role: str) -> None:
    if not issubclass(kind, STANDARD[role]):
        standard = STANDARD[role].__name__
        raise InputError(f"{name}: {kind.__name__} does not extend {standard}, as a {role} must")


CHEAPEST = {
    "borrower": "abm.optimise.borrowers:CheapestBorrower",
    "dealer": "abm.optimise.borrowers:CheapestDealer",
}
"""Standard classes of a market with `participants.delivery = "cheapest"`, imported when used."""


def _standard(scenario: Scenario) -> Mapping[str, type[Participant]]:
    """The standard class of each role.

    Raises:
        InputError: they are to deliver what is cheapest, and something stands against it.
    """
    part, field = scenario.participants, 'participants.delivery = "cheapest"'
    if part.substitution is not None:
        _refuse_costs(scenario, "participants.substitution")
    if part.delivery != "cheapest":
        return STANDARD
    _refuse_costs(scenario, field)
    for role in CHEAPEST:
        if role in part.behaviour:
            raise InputError(f"{field}: participants.behaviour.{role} decides that")
    if part.minting_days:
        raise InputError(f"{field}: goes with minting_days = 0, as calls are met on the day")
    for agreement in (scenario.agreement, *scenario.agreements.values()):
        if agreement.delivery_rounding == "down":
            raise InputError(f'{field}: goes with delivery_rounding = "up"')
    made = {role: load_class(path, field) for role, path in CHEAPEST.items()}
    return {**STANDARD, **made}


def _refuse_costs(scenario: Scenario, field: str) -> None:
    """Refuse decisions by cost where nothing costs anything, or contracts decide."""
    if not any(kind.lending_fee for kind in scenario.assets.values()):
        raise InputError(f"{field}: no class of assets has a lending_fee, so nothing is cheaper")
    if scenario.ledger == "evm":
        raise InputError(
            f'{field}: on ledger = "evm" the contracts decide, and move collateral on calls only'
        )


def _check_given(behaviours: object) -> None:
    if not isinstance(behaviours, Mapping):
        raise InputError(
            'behaviours: expected classes by role or name, as {"borrower": Mine}'
            f" (it is a {type(behaviours).__name__})"
        )
    for key, kind in behaviours.items():
        base = SERVICES.get(key, Participant)
        if not (isinstance(kind, type) and issubclass(kind, base)):
            shown = kind.__name__ if isinstance(kind, type) else repr(kind)
            what = f"class that extends {base.__name__}" if key in SERVICES else "participant class"
            raise InputError(f"behaviours: {key}: {shown} is not a {what}")


def with_steps(scenario: Scenario, kinds: Collection[type[Participant]]) -> set[type[Participant]]:
    """Classes with a `step` of their own.

    Raises:
        InputError: there are some, and the ledger is one on which contracts decide.
    """
    own = {kind for kind in set(kinds) if kind.step is not Participant.step}
    if own and scenario.ledger == "evm":
        name = next(kind.__name__ for kind in kinds if kind in own)
        raise InputError(f'{scenario.name}: {name}.step: on ledger = "evm" the contracts decide')
    return own


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
        given = load_class(path, f"participants.behaviour.{name}", standard) if path else standard
        kinds.append(behaviours.get(name) or given)
        refuse_unknown(kinds[-1])
    return kinds[0], kinds[1]


def load_class(path: str, field: str, base: type = Participant) -> type[Any]:
    """The class that a scenario names as `module:Class`.

    Raises:
        InputError: there is no such module or class, or it does not extend `base`.
    """
    kind = load(path, field)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        what = "participant class" if base is Participant else f"class that extends {base.__name__}"
        raise InputError(f"{field}: {path} is not a {what}")
    return kind
