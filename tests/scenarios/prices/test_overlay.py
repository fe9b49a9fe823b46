"""Stress: prescribed shocks, bridges to an end, and history replayed on today's prices."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.prices import BridgeSource, GbmSource, ReplaySource, ShocksSource, Window
from scenarios.prices.calendars import Calendar, on_calendar
from scenarios.prices.history import History, log_returns_of
from scenarios.prices.overlay import Shock, bridge_factors, shock_factors

WINDOW = Window(date(2021, 3, 1), date(2021, 5, 1), "sessions")
FLAT = GbmSource(tokens=("A", "B"), initial=(100.0, 40.0), volatility=0.0)
LIVELY = GbmSource(tokens=("A", "B"), initial=(100.0, 40.0), volatility=0.02, correlation=0.5)


def shocked(*shocks: dict[str, Any], base: GbmSource = FLAT, window: Window = WINDOW) -> Any:
    made = ShocksSource(base=base, shocks=tuple(Shock.model_validate(shock) for shock in shocks))
    return made.panel(window, np.random.default_rng(1))


class TestShocks:
    def test_a_fall_for_good(self) -> None:
        close = shocked({"day": 3, "size": -0.2}).close
        assert close[:3, 0].tolist() == [100] * 3
        assert (close[3:, 0] == 80).all()
        assert (close[3:, 1] == 32).all()

    def test_only_the_tokens_named(self) -> None:
        close = shocked({"day": 3, "size": 0.5, "tokens": ["B"]}).close
        assert (close[:, 0] == 100).all()
        assert (close[3:, 1] == 60).all()

    def test_recovery_is_complete_and_steady(self) -> None:
        close = shocked({"day": 2, "size": -0.36, "recovery": 2, "tokens": ["A"]}).close[:, 0]
        # 0.64, then its root, then 1.
        assert close[:6].tolist() == [100, 100, 64, 80, 100, 100]

    def test_shocks_multiply(self) -> None:
        close = shocked({"day": 1, "size": -0.5}, {"day": 3, "size": -0.5}).close[:, 0]
        assert close[:5].tolist() == [100, 50, 50, 25, 25]

    def test_a_date_without_trading_is_the_next_trading_day(self) -> None:
        panel = shocked({"day": "2021-03-06", "size": -0.5})
        assert panel.frame.loc["2021-03-05", "A"] == 100
        assert panel.frame.loc["2021-03-08", "A"] == 50

    def test_days_count_from_the_window_although_the_base_begins_earlier(self) -> None:
        from scenarios.prices import FileSource

        base = FileSource(file="bundled:us_stocks_2007_2010", tokens=("IBM",))
        window = Window(date(2008, 9, 1), date(2008, 10, 1), "sessions")
        made = ShocksSource(base=base, shocks=(Shock(day=1, size=-0.5),))
        rng = np.random.default_rng(1)
        before, after = base.panel(window, rng), made.panel(window, rng)
        changed = after.dates[(after.close != before.close).ravel()]
        # Labour Day is the first; the second session is Wednesday 3 September.
        assert str(changed[0].date()) == "2008-09-03"
        assert len(changed) == (after.dates >= changed[0]).sum()

    def test_what_is_not_shocked_stays_exactly_as_it_was(self) -> None:
        base = LIVELY.model_copy(update={"tick": 0.0001})
        plain = base.panel(WINDOW, np.random.default_rng(1)).close
        close = shocked({"day": 10, "size": -0.2, "recovery": 3}, base=base).close
        np.testing.assert_array_equal(close[:10], plain[:10])
        np.testing.assert_array_equal(close[13:], plain[13:])
        assert (close[10:13] < plain[10:13]).all()

    @given(st.integers(0, 30), st.floats(-0.99, 5.0), st.one_of(st.none(), st.integers(1, 40)))
    def test_factors(self, day: int, size: float, recovery: int | None) -> None:
        factors = shock_factors(40, day, size, recovery)
        assert (factors[:day] == 1).all()
        assert factors[day] == pytest.approx(1 + size)
        if recovery is None:
            np.testing.assert_allclose(factors[day:], 1 + size)
        else:
            assert (factors[day + recovery :] == 1).all()
            path = np.abs(np.log(factors[day:]))
            assert (np.diff(path) <= 1e-12).all()


class TestBridge:
    @pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
    def test_the_windows_first_and_last_days_are_given(self, calendar: Calendar) -> None:
        # 1 May 2021 is a Saturday: the last day of this window is a Sunday.
        for end in (date(2021, 5, 1), date(2021, 5, 3)):
            window = Window(WINDOW.start, end, calendar)
            made = BridgeSource(base=LIVELY, final=(70.0, 44.0))
            panel = made.panel(window, np.random.default_rng(1))
            close = on_calendar(panel, window.start, window.end, calendar).close
            assert close[0].tolist() == [100, 40]
            assert close[-1].tolist() == [70, 44]

    def test_a_flat_base_becomes_a_steady_path(self) -> None:
        close = BridgeSource(base=FLAT, final=(200.0, 40.0)).panel(WINDOW, np.random.default_rng(1))
        growth = np.diff(np.log(close.close[:, 0]))
        np.testing.assert_allclose(growth, growth[0], atol=2e-4)
        assert (close.close[:, 1] == 40).all()

    def test_variance_is_the_brownian_bridges(self) -> None:
        """Var x(t) = σ² t(T-t)/T: nothing at both ends, σ²T/4 in the middle."""
        days, sigma = 41, 0.02
        base = GbmSource(tokens=("A",), initial=100.0, volatility=sigma, tick=1e-6)
        paths = base.paths(days, 4000, np.random.default_rng(1))
        final = np.array([130.0])
        bent = np.stack([p * bridge_factors(p, final, 0, days - 1) for p in paths])[..., 0]
        np.testing.assert_allclose(bent[:, -1], 130.0)
        time, length = np.arange(days), days - 1
        measured = np.log(bent).var(axis=0)
        np.testing.assert_allclose(
            measured[1:-1], (sigma**2 * time * (length - time) / length)[1:-1], rtol=0.1
        )
        mean = np.log(100) + time / length * np.log(1.3)
        np.testing.assert_allclose(np.log(bent).mean(axis=0), mean, atol=0.006)

    def test_prices_outside_the_bridge(self) -> None:
        close = np.full((10, 1), 100.0)
        factors = bridge_factors(close, np.array([200.0]), 2, 6)[:, 0]
        assert (factors[:3] == 1).all()
        np.testing.assert_allclose(factors[6:], 2)


class TestReplay:
    HISTORY = History(
        file="bundled:us_stocks_2007_2010", start=date(2008, 9, 12), end=date(2008, 12, 31)
    )

    def test_todays_prices_move_as_they_did_then(self) -> None:
        made = ReplaySource(tokens=("IBM",), initial=1e6, history=self.HISTORY)
        panel = made.panel(WINDOW, np.random.default_rng(1))
        then = self.HISTORY.panel(("IBM",))
        assert panel.close[0, 0] == 1e6
        relative = then.close[: len(panel.dates), 0] / then.close[0, 0]
        np.testing.assert_allclose(panel.close[:, 0] / 1e6, relative, rtol=1e-7)
        assert panel.dates[0] == pd.Timestamp("2021-03-01")

    def test_an_old_crisis_strikes_new_tokens(self) -> None:
        history = self.HISTORY.model_copy(update={"columns": ("AAPL", "AAPL")})
        made = ReplaySource(tokens=("NEW", "NEWER"), initial=(1e6, 2e6), history=history)
        close = made.panel(WINDOW, np.random.default_rng(1)).close
        np.testing.assert_allclose(close[:, 1], 2 * close[:, 0], rtol=1e-6)
        recorded = log_returns_of(self.HISTORY.panel(("AAPL",)))
        np.testing.assert_allclose(
            np.diff(np.log(close[:, 0])), recorded[: len(close) - 1, 0], atol=1e-6
        )
