"""Refuses stress that would never happen: on days, loans, tokens or participants that are not."""

from __future__ import annotations

from collections.abc import Sequence

from abm.books.loan_book import NEVER, Loans
from abm.books.population import Population
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.scenario import Scenario
from scenarios.stress import ExponentialImpact


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
        _check_recalls(scenario.recalls.scheduled, loans, last)
    with named("oracle.outages"):
        for outage in scenario.oracle.outages:
            _check_day("outage", outage.day, 0, last)
            for token in outage.tokens or ():
                refuse_unpriced(token, tokens)
    with named("oracle.wrong_prices"):
        for wrong in scenario.oracle.wrong_prices:
            refuse_unpriced(wrong.token, tokens)
            _check_day(wrong.token, wrong.day, 0, last)
    impact = scenario.close_out.impact
    if isinstance(impact, ExponentialImpact) and isinstance(impact.depth, dict):
        with named("close_out.impact.depth"):
            for token in impact.depth:
                refuse_unpriced(token, tokens)


def _check_day(what: str, day: int, first: int, last: int) -> None:
    if not first <= day <= last:
        raise InputError(f"{what} on day {day}; the days of this window are {first} to {last}")


def _check_recalls(scheduled: Sequence[tuple[int, int]], loans: Loans, last: int) -> None:
    open_ended = set(loans.loan_id[loans.maturity == NEVER].tolist()) if scheduled else set()
    for day, loan_id in scheduled:
        _check_day(f"loan {loan_id}", day, 1, last)
        if loan_id not in open_ended:
            known = "a term loan" if loan_id in loans.loan_id else "no loan"
            raise InputError(f"{loan_id} is {known}; only open-ended loans can be recalled")
        begins = int(loans.opened[loans.loan_id == loan_id][0])
        if day < begins:
            raise InputError(f"loan {loan_id} on day {day}; it begins on day {begins}")
