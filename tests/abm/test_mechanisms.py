"""Small bundled scenarios show each its mechanism, which goes when its cause is switched off."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def watched(name: str, **changes: Any) -> tuple[pd.DataFrame, pd.Series]:
    """The table of days, and the true price of A on each."""
    market = CollateralMarket(Scenario.load(name).with_changes(changes), rng=1)
    prices = [int(market.market_prices[0])]
    while market.running and market.day < len(market.days) - 1:
        market.step()
        prices.append(int(market.market_prices[0]))
    return market.days_frame().set_index("day"), pd.Series(prices) / prices[0]


class TestLeverageSpiral:
    SHOCK, ASSETS, DEPTH, LEVERAGE = 0.01, 1_625_000, 20_000_000, 10

    def test_sales_follow_sales_and_the_price_falls_by_more_than_the_shock(self) -> None:
        days, price = watched("leverage-spiral")
        sold = days["outside_sold_value"]
        assert (sold[:5] == 0).all()
        assert (sold[5:12] > 0).all()
        assert (sold[5:12].diff().dropna() < 0).all(), "each round is smaller than the last"
        # The linearised spiral bounds it, since assets are sold on the way.
        amplified = self.SHOCK / (1 - (self.LEVERAGE - 1) * self.ASSETS / self.DEPTH)
        assert 2 * self.SHOCK < 1 - price.iloc[-1] < amplified

    def test_without_impact_the_price_falls_by_the_shock(self) -> None:
        days, price = watched("leverage-spiral", **{"close_out.impact.b": 1e-9})
        assert 1 - price.iloc[-1] == pytest.approx(self.SHOCK, abs=1e-4)
        sold = days["outside_sold_value"]
        assert sold[6:].sum() < 0.05 * sold[5], "no further round, but for marks of a cent"

    @pytest.mark.parametrize("off", [{"balance.borrower.leverage_limit": None}, {"prices": None}])
    def test_without_a_limit_or_a_shock_nothing_is_sold(self, off: dict[str, Any]) -> None:
        if "prices" in off:
            off = {"prices": Scenario.load("leverage-spiral").prices.base.model_dump()}
        days, _ = watched("leverage-spiral", **off)
        assert days["outside_sold_value"].sum() == 0


class TestDealerRun:
    def test_all_lenders_recall_and_a_dealer_with_equity_defaults(self) -> None:
        days, _ = watched("dealer-run")
        assert days["withdrawals"][5] == 6
        assert days["outside_sold_value"].sum() > 0
        assert days["recall_fails"].sum() > 0
        assert days["defaults_liquidity"].sum() == 1
        assert days["defaults_insolvency"].sum() == 0

    def test_without_withdrawal_it_meets_its_calls(self) -> None:
        days, _ = watched("dealer-run", **{"balance.lender.withdraw_leverage": None})
        assert days.filter(like="defaults").to_numpy().sum() == 0
        assert days["outside_sold_value"].sum() == days["unmet_calls"].sum() == 0

    def test_with_less_leverage_nobody_runs(self) -> None:
        days, _ = watched("dealer-run", **{"balance.dealer.leverage": 4})
        assert days["withdrawals"].sum() == days["defaults_liquidity"].sum() == 0


class TestCashReinvested:
    LENT, TAKEN, LOST, CREDIT = 100e6, 0.75 * 102e6, 0.25 * 0.75 * 102e6, 0.02 * 202e6

    def test_borrowers_wait_for_their_cash_until_the_paper_is_paid(self) -> None:
        days, _ = watched("cash-reinvested")
        assert days["reinvested"][0] == self.TAKEN
        assert days["equity"][4] - days["equity"][5] == self.LOST
        assert days["return_fails"][7:13].tolist() == [0, 1, 2, 3, 4, 4]
        assert days["credit_drawn"].max() == self.CREDIT
        waiting = days["return_fail_value"][11:]
        assert (waiting.diff().dropna() < 0).all() and waiting.iloc[-1] > 0
        assert days["without_equity"].sum() == 0, "it is short of cash, and not of equity"

    def test_what_is_sold_in_time_pays_all_but_the_loss(self) -> None:
        days, _ = watched("cash-reinvested", **{"balance.lender.reinvest_term": 0})
        assert days["return_fails"][7:13].tolist() == [0, 0, 0, 0, 1, 1]
        assert days["return_fail_value"].iloc[-1] == self.LOST - self.CREDIT

    def test_without_it_nothing_fails(self) -> None:
        off = {"reinvest": 0, "reinvest_term": 0, "portfolio": None}
        days, _ = watched("cash-reinvested", **{f"balance.lender.{k}": v for k, v in off.items()})
        assert days["return_fails"].sum() == days["credit_drawn"].sum() == 0
        assert (days["equity"] == days["equity"][0]).all()


class TestRecallSqueeze:
    def test_shorts_buy_back_and_the_price_rises(self) -> None:
        days, price = watched("recall-squeeze")
        assert days["recalls"][5] == days["loans_settled"].sum() == 8
        assert days["outside_bought_value"][6] > days["lent"][4]
        assert price.max() > 1.01
        assert days["delivery_calls"].sum() > 0
        assert price.idxmax() == 6
        assert price[:6].eq(1).all()

    @pytest.mark.parametrize("off", [{"recalls.scheduled": []}, {"balance.borrower.short": 0}])
    def test_without_recalls_or_short_sales_nothing_is_bought(self, off: dict[str, Any]) -> None:
        days, price = watched("recall-squeeze", **off)
        assert days["outside_bought_value"].sum() == 0
        assert price.eq(1).all()

    def test_without_impact_no_price_moves_and_nothing_is_called(self) -> None:
        days, price = watched("recall-squeeze", **{"close_out.impact.y": 0})
        assert days["outside_bought_value"][6] == pytest.approx(days["lent"][4])
        assert price.eq(1).all()
        assert days["delivery_calls"].sum() == 0
