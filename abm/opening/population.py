"""The participants of a market as columns: names, roles, sizes, means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenarios.errors import InputError
from scenarios.participants import Distribution, GivenParticipant, Role
from scenarios.scenario import Scenario

Floats = npt.NDArray[np.float64]

ROLES: tuple[Role, ...] = ("lender", "borrower", "dealer")


@dataclass(frozen=True)
class Population:
    """One row a participant, sorted by name."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    size: Floats
    """Relative size; the mean of those drawn is 1."""
    given: dict[int, GivenParticipant]
    """What the scenario says of single participants, by row."""

    def rows(self, role: Role) -> npt.NDArray[np.int64]:
        """Rows of the participants of a role."""
        return np.flatnonzero(np.array(self.roles) == role)

    def row(self, name: str) -> int:
        """Row of a participant.

        Raises:
            InputError: there is no such participant.
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise InputError(f"no participant {name}; there are {_few(self.names)}") from None


def draw_population(
    scenario: Scenario, pairs: list[tuple[str, str]] | None, rng: np.random.Generator
) -> Population:
    """The participants of a scenario: by number and role, or those that loans name.

    Args:
        scenario: its `participants`.
        pairs: lender and borrower of every loan, where they are given by name.
        rng: draws the sizes.
    """
    part = scenario.participants
    roles: dict[str, Role] = {}
    if pairs is None:
        for role, number in zip(ROLES, (part.lenders, part.borrowers, part.dealers), strict=True):
            width = len(str(number))
            for i in range(1, number + 1):
                roles[f"{role[0].upper()}{i:0{width}d}"] = role
    else:
        lenders, borrowers = ({names[side] for names in pairs} for side in (0, 1))
        for name in lenders | borrowers:
            both = name in lenders and name in borrowers
            roles[name] = "dealer" if both else "lender" if name in lenders else "borrower"
    for given in part.given:
        known = roles.get(given.name, given.role)
        if known != given.role and pairs is None:
            raise InputError(
                f"participants.given: {given.name} is a {known} here, not a {given.role}"
            )
        roles[given.name] = given.role
    names = tuple(sorted(roles))
    size = draw_sizes(part.size, len(names), rng)
    given_rows = {names.index(given.name): given for given in part.given}
    for row, given in given_rows.items():
        if given.size is not None:
            size[row] = given.size
    return Population(names, tuple(roles[name] for name in names), size, given_rows)


def draw_sizes(distribution: Distribution, number: int, rng: np.random.Generator) -> Floats:
    """Sizes with mean 1, shape (number,)."""
    if distribution.kind == "lognormal":
        sigma = distribution.sigma
        return np.exp(sigma * rng.standard_normal(number) - sigma**2 / 2)
    if distribution.kind == "pareto":
        alpha = distribution.alpha
        return np.asarray((1 + rng.pareto(alpha, number)) * (alpha - 1) / alpha)
    return np.ones(number)


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown
