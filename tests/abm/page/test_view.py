"""A view shows what the market's own tables show, and stays as it is."""

from __future__ import annotations

import numpy as np

from abm.page.view import DayView, Watch
from tests.abm.page.conftest import NETWORK, PAIR, market_of


def test_pairs_add_up_to_the_statistics_of_the_day() -> None:
    market = market_of(NETWORK, **{"network.loans_per_edge": 3})
    watch = Watch(market)
    for _ in range(8):
        market.step()
        view = watch.look()
    assert len(view.graph.lender) * 3 == len(market.books.accounts)
    assert view.exposure.sum() == np.float64(market.today["exposure"])
    np.testing.assert_allclose(view.gap.sum(), market.today["gap"], atol=1e-6)
    np.testing.assert_allclose(view.value.sum(), market.today["collateral_value"])
    people = market.participants_frame()
    np.testing.assert_allclose(view.by_lender(view.exposure), people["lent"])
    np.testing.assert_allclose(view.by_borrower(view.exposure), people["borrowed"])
    np.testing.assert_allclose(view.wallets @ view.token_values, people["wallet_value"])


def test_history_is_the_table_of_days() -> None:
    market = market_of(PAIR)
    watch = Watch(market)
    for _ in range(5):
        market.step()
        view = watch.look()
    days = market.days_frame()
    for name, values in view.history.items():
        np.testing.assert_array_equal(values, days[name].to_numpy(np.float64))


def test_a_view_does_not_change_with_the_market() -> None:
    market = market_of(PAIR)
    watch = Watch(market)
    market.step()
    before = watch.look()
    wallets, exposure = before.wallets.copy(), before.exposure.copy()
    number, closes = len(before.events), before.prices.copy()
    for _ in range(10):
        market.step()
    np.testing.assert_array_equal(before.wallets, wallets)
    np.testing.assert_array_equal(before.exposure, exposure)
    np.testing.assert_array_equal(before.prices, closes)
    assert len(before.events) == number
    assert before.day == 1


def test_calls_of_the_day_are_those_in_the_events() -> None:
    market = market_of(NETWORK, **{"agreement.model": 2})
    watch = Watch(market)
    for _ in range(6):
        market.step()
        view = watch.look()
        names = np.array(view.graph.names)
        kinds = {"delivery": view.delivered, "return": view.returned}
        for kind, marked in kinds.items():
            told = view.events[view.events["event"] == kind]
            pairs = set(zip(told["lender"], told["borrower"], strict=True))
            lenders, borrowers = names[view.graph.lender], names[view.graph.borrower]
            assert pairs == set(zip(lenders[marked], borrowers[marked], strict=True))


def test_without_loans_there_is_no_coverage(empty: DayView) -> None:
    assert not empty.exposure.any()
    assert np.isnan(empty.coverage).all()


def test_a_fully_covered_pair_has_a_coverage_of_one() -> None:
    market = market_of(PAIR)
    view = Watch(market).look()
    np.testing.assert_allclose(view.coverage, 1, atol=1e-6)
