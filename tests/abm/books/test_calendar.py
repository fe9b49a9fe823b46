"""The calendar knows when each loan is due, and its flags are what a list of them would be."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import World, worlds
from worlds import panel_of

from abm.books import calendar
from abm.books.books import Books
from abm.books.loan_book import ACTIVE, OPEN_LOAN, PENDING
from abm.model import CollateralMarket
from scenarios.scenario import Scenario


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), max_size=60))
def test_flags_are_a_list_of_bytes(changes: list[tuple[int, int]]) -> None:
    number, words = 41, np.zeros(41 // calendar.TOGETHER + 1, np.int64)
    plain = [0] * number
    for place, flag in changes:
        _python(calendar.set_flag)(words, place, flag)
        plain[place] = flag
    assert calendar.flags(words, number).tolist() == plain
    assert [_python(calendar.flag_of)(words, place) for place in range(number)] == plain
    for place in range(number):
        found = _python(calendar.next_flagged)(words, place, number)
        assert found == next((p for p in range(place, number) if plain[p]), number)


def _python(function: Any) -> Any:
    """A compiled function as Python runs it, with the compiled ones that it calls."""
    return cast(Any, function).py_func


def listed(books: Books) -> dict[int, int]:
    """The day of each loan that is in a list of the calendar."""
    found: dict[int, int] = {}
    for day, i in enumerate(books.calendar.first.tolist()):
        while i >= 0:
            assert i not in found
            found[i] = day
            i = int(books.calendar.next[i])
    return found


@settings(max_examples=60)
@given(worlds())
def test_every_open_loan_is_looked_at_when_it_is_due(world: World) -> None:
    """On its day, and then on every day until it is returned; what waits is told apart."""
    table, prices = world
    market = CollateralMarket(Scenario.parse(table, "test"), rng=1, prices=panel_of(prices))
    books, last = market.books, len(market.days)
    loans, flags = books.loans, books.calendar
    while market.running:
        market.step()
        found = listed(books)
        is_open = loans.state == OPEN_LOAN
        for i in np.flatnonzero(is_open & (books.accounts.state[loans.account] == ACTIVE)).tolist():
            due = max(int(loans.maturity[i]), market.day + 1)
            assert found.get(i, last + 1) == (due if due <= last else last + 1)
        assert (calendar.flags(flags.running, len(loans)) >= is_open).all()
        order = books.by_account if len(books.by_account) else np.arange(len(loans))
        status = calendar.flags(flags.status, len(loans))
        waiting = (loans.state == PENDING) & (loans.opened <= market.day)
        waiting &= books.accounts.state[loans.account] == ACTIVE
        waiting &= ~np.isin(np.arange(len(loans)), market.later_loans.columns.rows)
        assert set(np.flatnonzero(waiting)) <= set(order[status == calendar.WAITING].tolist())
        assert not (status == calendar.DUE).any()
