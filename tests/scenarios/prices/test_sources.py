"""Sources as a scenario names them: validation, seeds, calendars, and what they refuse."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from scenarios.errors import InputError
from scenarios.prices import SOURCES, AnyPriceSource, FileSource, GbmSource, PriceSource, Window
from scenarios.prices.calendars import on_calendar
from scenarios.prices.history import History
from scenarios.prices.model_source import ModelSource

WINDOW = Window(date(2009, 1, 1), date(2009, 3, 1), "paper")
BUNDLED = {"file": "bundled:us_stocks_2007_2010"}
SHORT = {**BUNDLED, "start": "2008-12-01", "end": "2008-12-30"}
COMMON: dict[str, Any] = {"tokens": ["AAPL", "IBM"], "initial": [100, 50], "volatility": 0.02}
GBM = {"source": "gbm", **COMMON, "correlation": 0.5}

EXAMPLES: dict[str, dict[str, Any]] = {
    "file": {"source": "file", **BUNDLED, "tokens": ["IBM", "AAPL"]},
    "gbm": GBM,
    "student_t": {**GBM, "source": "student_t", "degrees_of_freedom": 4},
    "garch": {**GBM, "source": "garch", "arch": 0.1, "garch": 0.85},
    "merton": {**GBM, "source": "merton", "intensity": 0.05, "jump_mean": -0.05},
    "regimes": {
        "source": "regimes",
        "tokens": ["AAPL", "IBM"],
        "initial": 100,
        "calm": {"volatility": 0.01},
        "turbulent": {"volatility": 0.04, "correlation": 0.8},
        "leave_calm": 0.05,
        "leave_turbulent": 0.1,
    },
    "bootstrap": {
        "source": "bootstrap",
        "tokens": ["AAPL", "IBM"],
        "history": BUNDLED,
        "block": 10,
    },
    "replay": {
        "source": "replay",
        "tokens": ["AAPL", "IBM"],
        "initial": [100, 50],
        "history": {**BUNDLED, "start": "2008-09-01", "end": "2008-12-31"},
    },
    "shocks": {"source": "shocks", "base": GBM, "shocks": [{"day": 5, "size": -0.2}]},
    "bridge": {"source": "bridge", "base": GBM, "final": [80, 60]},
}
RANDOM = sorted(EXAMPLES.keys() - {"file", "replay"})


def source(table: dict[str, Any], **changes: Any) -> PriceSource:
    made: PriceSource = TypeAdapter(AnyPriceSource).validate_python({**table, **changes})
    return made


def draw(name: str, seed: int = 1, window: Window = WINDOW) -> np.ndarray:
    return source(EXAMPLES[name]).panel(window, np.random.default_rng(seed)).close


def test_every_source_has_an_example() -> None:
    names = {get_args(kind.model_fields["source"].annotation)[0] for kind in SOURCES}
    assert names - {"own", "classes"} == EXAMPLES.keys(), "these are in test_own and test_classes"


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
def test_a_panel_covers_its_window(name: str, calendar: Any) -> None:
    window = Window(WINDOW.start, WINDOW.end, calendar)
    panel = source(EXAMPLES[name]).panel(window, np.random.default_rng(1))
    assert set(panel.tokens) == {"AAPL", "IBM"}
    assert (panel.close > 0).all()
    days = on_calendar(panel, window.start, window.end, calendar)
    assert days.close.shape[1] == 2


@pytest.mark.parametrize("name", EXAMPLES)
def test_same_seed_same_paths(name: str) -> None:
    np.testing.assert_array_equal(draw(name), draw(name))


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_other_paths(name: str) -> None:
    assert (draw(name) != draw(name, seed=2)).any()


@pytest.mark.parametrize("name", EXAMPLES)
def test_only_the_given_generator_is_used(name: str) -> None:
    """What the rest of a scenario draws, from other generators, changes nothing."""
    before = draw(name)
    np.random.seed(0)  # noqa: NPY002
    np.random.default_rng(1).normal(size=100)
    np.testing.assert_array_equal(draw(name), before)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_source_survives_being_written_down(name: str) -> None:
    made = source(EXAMPLES[name])
    again = source(made.model_dump(mode="json"))
    assert again == made
    np.testing.assert_array_equal(
        again.panel(WINDOW, np.random.default_rng(3)).close,
        made.panel(WINDOW, np.random.default_rng(3)).close,
    )


def test_what_was_set_in_python_says_which_source_it_is() -> None:
    made = GbmSource(tokens=("A",), initial=1.0, volatility=0.1)
    assert source(made.model_dump(exclude_unset=True)) == made


@pytest.mark.parametrize("name", [n for n, t in EXAMPLES.items() if "initial" in t])
def test_paths_begin_at_the_initial_prices(name: str) -> None:
    initial = np.broadcast_to(EXAMPLES[name]["initial"], 2)
    np.testing.assert_array_equal(draw(name)[0], initial)


@pytest.mark.parametrize("name", [n for n in EXAMPLES if n not in ("file", "shocks", "bridge")])
def test_paths_have_the_shape_asked_for(name: str) -> None:
    made = source(EXAMPLES[name])
    assert isinstance(made, ModelSource)
    prices = made.paths(60, 7, np.random.default_rng(1))
    assert prices.shape == (7, 60, 2)
    assert (prices > 0).all()
    if name != "replay":
        assert len({path.tobytes() for path in prices}) == 7


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("gbm", {"initial": [100, 50, 20]}, "initial: expected one number or 2"),
        ("gbm", {"initial": [100, 0]}, "initial: expected finite numbers of at least 0.01"),
        ("gbm", {"initial": float("nan")}, "initial: expected finite numbers"),
        ("gbm", {"volatility": -0.1}, "volatility: expected finite numbers of at least 0"),
        ("gbm", {"volatility": [0.1]}, "volatility: expected one number or 2"),
        ("gbm", {"correlation": 1.5}, "correlation: not a correlation matrix"),
        ("gbm", {"correlation": [[1, 0.5], [0.4, 1]]}, "correlation: must be symmetric"),
        ("gbm", {"correlation": [[2, 0], [0, 2]]}, "correlation: must be symmetric with 1"),
        ("gbm", {"correlation": [[1.0]]}, "correlation: expected one number or 2 rows of 2"),
        ("gbm", {"tokens": ["A", "A"]}, "tokens: A, A: each name may appear once"),
        ("gbm", {"tokens": []}, "tokens"),
        ("gbm", {"tick": 0}, "tick"),
        ("gbm", {"volatlity": 0.1}, "volatlity"),
        ("gbm", {"source": "gmb"}, "gmb"),
        ("student_t", {"degrees_of_freedom": 2}, "degrees_of_freedom"),
        ("garch", {"arch": 0.2, "garch": 0.8}, "arch [+] garch: must stay below 1; got 1"),
        ("garch", {"arch": -0.1}, "arch: expected finite numbers of at least 0"),
        ("garch", {"garch": None}, "garch: missing; give it, or a history to fit it to"),
        ("garch", {"history": BUNDLED}, "history: fits all parameters"),
        ("merton", {"intensity": -1}, "intensity: expected finite numbers of at least 0"),
        ("merton", {"intensity": [0.1, 0.2]}, "intensity: common jumps have one"),
        ("merton", {"jump_volatility": -1}, "jump_volatility: expected finite"),
        ("regimes", {"calm": {"volatility": -1}}, "calm.volatility: expected finite"),
        ("regimes", {"leave_calm": 0}, "leave_calm"),
        ("bootstrap", {"block": 0.5}, "block"),
        ("bootstrap", {"method": "moving"}, "method"),
        ("replay", {"initial": [100, 0.001]}, "initial: expected finite numbers of at least"),
        ("shocks", {"shocks": []}, "shocks"),
        ("shocks", {"shocks": [{"day": 1, "size": -1}]}, "size"),
        ("shocks", {"base": {**GBM, "volatility": -1}}, "volatility: expected finite"),
    ],
)
def test_wrong_parameters_are_refused_at_once(
    name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        source(EXAMPLES[name], **changes)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("file", {"file": "bundled:nothing"}, "prices.file: no bundled prices called 'nothing'"),
        ("file", {"file": "nothing.csv"}, "nothing.csv: no such file"),
        ("file", {"tokens": ["MSFT", "ORCL"]}, "no column ORCL; it has AAPL, GOOG, IBM, MSFT"),
        ("bootstrap", {"tokens": ["MSFT", "ORCL"]}, "no column ORCL"),
        ("bootstrap", {"history": {**BUNDLED, "columns": ["IBM"]}}, "history.columns: 1 columns"),
        ("bootstrap", {"history": {**BUNDLED, "start": "2030-01-01"}}, "0 days from 2030-01-01"),
        ("replay", {"history": SHORT}, "20 daily returns from 2008-12-01 .* has 42: shorten"),
        ("gbm", {"exchange": "NOWHERE"}, "prices.exchange: no exchange called 'NOWHERE'"),
        ("gbm", {"drift": 500}, "prices grow without bound"),
        ("shocks", {"shocks": [{"day": 400, "size": 1}]}, r"shocks\[0\].day: 400 is outside"),
        (
            "shocks",
            {"shocks": [{"day": "2010-01-01", "size": 1}]},
            r"shocks\[0\].day: 2010-01-01 is outside the window; choose 0 to ",
        ),
        ("shocks", {"shocks": [{"day": 0, "size": 1, "tokens": ["X"]}]}, "no token X; there is"),
        ("bridge", {"final": [1, 2, 3]}, "prices.final: expected one number or 2"),
        ("bridge", {"final": 0}, "prices.final: expected finite numbers of at least 0.01"),
    ],
)
def test_what_only_a_panel_can_show_is_refused_in_one_line(
    name: str, changes: dict[str, Any], message: str
) -> None:
    made = source(EXAMPLES[name], **changes)
    with pytest.raises(InputError, match=message) as caught:
        made.panel(WINDOW, np.random.default_rng(1))
    assert "\n" not in str(caught.value)


class TestFile:
    def test_all_columns_by_default(self) -> None:
        panel = FileSource(**BUNDLED).panel(WINDOW, np.random.default_rng(1))
        assert panel.tokens == ("AAPL", "GOOG", "IBM", "MSFT")

    def test_a_relative_path_counts_from_the_scenarios_folder(self, tmp_path: Path) -> None:
        prices = pd.DataFrame({"A": 1.0}, pd.bdate_range("2009-01-01", "2009-04-01", name="date"))
        prices.to_csv(tmp_path / "prices.csv")
        table = {"source": "file", "file": "prices.csv"}
        made = TypeAdapter(AnyPriceSource).validate_python(table, context={"folder": tmp_path})
        assert made.panel(WINDOW, np.random.default_rng(1)).tokens == ("A",)
        nested = {"source": "shocks", "base": table, "shocks": [{"day": 0, "size": 1}]}
        made = TypeAdapter(AnyPriceSource).validate_python(nested, context={"folder": tmp_path})
        assert (made.panel(WINDOW, np.random.default_rng(1)).close == 2.0).all()

    def test_a_window_outside_the_file(self) -> None:
        with pytest.raises(InputError, match=r"us_stocks_2007_2010\.csv: .*2031"):
            FileSource(**BUNDLED).panel(
                Window(date(2031, 1, 1), date(2031, 2, 1)), np.random.default_rng(1)
            )


class TestTradingDays:
    def test_tokyo_rests_at_new_year_and_on_its_holidays(self) -> None:
        made = source(GBM, exchange="XTKS").panel(WINDOW, np.random.default_rng(1))
        assert str(made.dates[0].date()) == "2009-01-05"
        for holiday in ("2009-01-12", "2009-02-11"):
            assert pd.Timestamp(holiday) not in made.dates
        # Saturday 28 February takes the close of Monday 2 March in the paper's calendar.
        assert str(made.dates[-1].date()) == "2009-03-02"

    def test_new_york_has_other_holidays(self) -> None:
        made = source(GBM, exchange="XNYS").panel(WINDOW, np.random.default_rng(1))
        assert str(made.dates[0].date()) == "2009-01-02"
        for holiday in ("2009-01-19", "2009-02-16"):
            assert pd.Timestamp(holiday) not in made.dates
        assert pd.Timestamp("2009-02-11") in made.dates

    def test_weekdays_are_monday_to_friday(self) -> None:
        days = source(GBM).panel(WINDOW, np.random.default_rng(1)).dates
        assert (days.day_of_week < 5).all()
        assert len(days) == len(pd.bdate_range("2009-01-01", "2009-03-02"))

    def test_a_calendar_from_long_ago_does_not_reach(self) -> None:
        old = Window(date(1980, 1, 1), date(1980, 2, 1))
        with pytest.raises(InputError, match=r"XTKS has no calendar from 1980-01-01"):
            source(GBM, exchange="XTKS").panel(old, np.random.default_rng(1))

    def test_an_empty_window_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"window\.end: .* must lie after"):
            source(GBM).panel(Window(date(2009, 1, 1), date(2009, 1, 1)), np.random.default_rng(1))


def test_prices_keep_to_the_tick() -> None:
    made = GbmSource(tokens=("A",), initial=100.0, volatility=0.05, tick=0.5)
    prices = made.paths(250, 20, np.random.default_rng(1))
    np.testing.assert_array_equal(prices * 2, np.rint(prices * 2))


class TestPast:
    """What is known before the window, for rules that look back."""

    WINDOW = Window(date(2009, 1, 5), date(2009, 2, 1))

    def source(self, kind: str, **fields: Any) -> PriceSource:
        history = {"file": "bundled:us_stocks_2007_2010", **fields}
        table = {"source": kind, "tokens": ["IBM", "MSFT"], "history": history, "initial": 50.0}
        return TypeAdapter(AnyPriceSource).validate_python(table)

    def test_a_bootstrap_knows_its_history_at_todays_level(self) -> None:
        past = self.source("bootstrap", start="2007-01-03", end="2008-12-31").past(self.WINDOW)
        assert past is not None
        recorded = History(file="bundled:us_stocks_2007_2010", end=date(2008, 12, 31))
        closes = recorded.panel(("IBM", "MSFT")).close
        together = np.vstack([past.close, [[50.0, 50.0]]])
        assert np.diff(np.log(together), axis=0) == pytest.approx(np.diff(np.log(closes), axis=0))
        assert past.dates[-1] == pd.Timestamp("2009-01-02")

    def test_a_replay_knows_what_came_before_it(self) -> None:
        past = self.source("replay", start="2008-09-15").past(self.WINDOW)
        assert past is not None
        before = History(file="bundled:us_stocks_2007_2010", end=date(2008, 9, 15))
        closes = before.panel(("IBM", "MSFT")).close
        assert past.close == pytest.approx(closes[:-1] / closes[-1] * 50)
        assert self.source("replay", start="2007-01-03").past(self.WINDOW) is None

    def test_a_model_knows_nothing(self) -> None:
        table = {"source": "gbm", "tokens": ["A"], "initial": 50.0, "volatility": 0.2}
        assert TypeAdapter(AnyPriceSource).validate_python(table).past(self.WINDOW) is None
