"""How large a network can be drawn."""

from __future__ import annotations

from scenarios.errors import InputError
from scenarios.network import Complete, CorePeriphery, RandomBipartite, ScaleFree
from scenarios.scenario import Scenario

MOST_LOANS = 100_000_000
"""Loans of a market that is drawn: ten times the most that were measured (docs/performance.md)."""

MOST_PAIRS = 1_000_000_000
"""Pairs of participants that a network is drawn from."""


def refuse_large(scenario: Scenario) -> None:
    """Refuse a network that would take hours to draw, or memory that no machine has.

    Raises:
        InputError: it has too many pairs or loans.
    """
    part, network = scenario.participants, scenario.network
    lenders, borrowers, dealers = part.lenders, part.borrowers, part.dealers
    match network:
        case Complete():
            loans = pairs = (lenders + dealers) * (borrowers + dealers) - dealers**2
        case RandomBipartite() | ScaleFree():
            pairs, loans = (
                lenders * borrowers,
                borrowers * min(network.lenders_per_borrower, lenders),
            )
        case CorePeriphery():
            pairs = dealers * (lenders + borrowers + dealers)
            loans = dealers * dealers + lenders * min(network.dealers_per_lender, dealers)
            loans += borrowers * min(network.dealers_per_borrower, dealers)
        case _:
            loans = pairs = lenders + borrowers
    loans *= network.loans_per_edge
    if pairs > MOST_PAIRS or loans > MOST_LOANS:
        raise InputError(
            f"network: up to {loans:,} loans between {pairs:,} pairs of participants; at most"
            f" {MOST_LOANS:,} loans and {MOST_PAIRS:,} pairs can be drawn"
        )
