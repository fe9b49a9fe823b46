"""Who takes part in a market: given by name, named by loans, or drawn by number and role."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from abm.books.population import Population
from scenarios.errors import InputError
from scenarios.participants import Distribution, Role
from scenarios.scenario import Scenario

Floats = npt.NDArray[np.float64]

ROLES: tuple[Role, ...] = ("lender", "borrower", "dealer")


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
        numbered = _numbered(part.lenders, part.borrowers, part.dealers)
        if not part.given:
            return Population(*numbered, draw_sizes(part.size, len(numbered[0]), rng), {})
        roles = dict(zip(*numbered, strict=True))
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


@lru_cache(maxsize=16)
def _numbered(
    lenders: int, borrowers: int, dealers: int
) -> tuple[tuple[str, ...], tuple[Role, ...]]:
    """Names, sorted, and roles of so many participants of each role."""
    roles: dict[str, Role] = {}
    for role, number in zip(ROLES, (lenders, borrowers, dealers), strict=True):
        width = len(str(number))
        for i in range(1, number + 1):
            roles[f"{role[0].upper()}{i:0{width}d}"] = role
    names = tuple(sorted(roles))
    return names, tuple(roles[name] for name in names)


def draw_sizes(distribution: Distribution, number: int, rng: np.random.Generator) -> Floats:
    """Sizes with mean 1, shape (number,)."""
    if distribution.kind == "lognormal":
        sigma = distribution.sigma
        return np.exp(sigma * rng.standard_normal(number) - sigma**2 / 2)
    if distribution.kind == "pareto":
        alpha = distribution.alpha
        return np.asarray((1 + rng.pareto(alpha, number)) * (alpha - 1) / alpha)
    return np.ones(number)
