"""Refuses stress that would never happen: on days, loans, tokens or participants that are not."""

from __future__ import annotations

from collections.abc import Iterable

from abm.loan_book import NEVER, Loans
from abm.population import Population
from scenarios.errors import InputError, named
from scenarios.scenario import Scenario


def check_stress(
    scenario: Scenario, population: Population, loans: Loans, tokens: tuple[str, ...], last: int
) -> None:
    """See that defaults, recalls, faults of the oracle and market depths mean something here.

    Args:
        scenario: with its stress.
        population: its participants.
        loans: its loans.
        tokens: that have a price.
        last: the last day of the window.

    Raises:
        InputError: naming the first that does not.
    """
    with named("defaults.scheduled"):
        for default in scenario.defaults.scheduled:
            population.row(default.participant)
            _check_day(default.participant, default.day, 1, last)
    with named("recalls.scheduled"):
        for day, loan_id in scenario.recalls.scheduled:
            _check_day(f"loan {loan_id}", day, 1, last)
            _check_open_ended(loan_id, loans)
    with named("oracle.outages"):
        for outage in scenario.oracle.outages:
            _check_day("outage", outage.day, 0, last)
            _check_tokens(outage.tokens or (), tokens)
    with named("oracle.wrong_prices"):
        for wrong in scenario.oracle.wrong_prices:
            _check_tokens((wrong.token,), tokens)
            _check_day(wrong.token, wrong.day, 0, last)
    impact = scenario.close_out.impact
    if impact is not None and isinstance(impact.depth, dict):
        with named("close_out.impact.depth"):
            _check_tokens(impact.depth, tokens)


def _check_day(what: str, day: int, first: int, last: int) -> None:
    if not first <= day <= last:
        raise InputError(f"{what} on day {day}; the days of this window are {first} to {last}")


def _check_tokens(wanted: Iterable[str], tokens: tuple[str, ...]) -> None:
    for token in wanted:
        if token not in tokens:
            raise InputError(f"{token} has no price; priced are {', '.join(tokens)}")


def _check_open_ended(loan_id: int, loans: Loans) -> None:
    if loan_id not in loans.loan_id[loans.maturity == NEVER]:
        known = "a term loan" if loan_id in loans.loan_id else "no loan"
        raise InputError(f"{loan_id} is {known}; only open-ended loans can be recalled")
