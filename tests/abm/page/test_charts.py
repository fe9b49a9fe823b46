"""Charts show the series of one or two markets, with the day marked and the scale labelled."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from abm.page.chart_list import CHARTS, ChartSpec
from abm.page.charts import Chart
from abm.page.view import DayView
from tests.abm.page.conftest import PAIR, market_of, view_after


def chart(name: str) -> ChartSpec:
    return next(spec for spec in CHARTS if spec.name == name)


@pytest.mark.parametrize("spec", CHARTS, ids=lambda spec: spec.name)
def test_every_chart_is_drawn_in_every_state(spec: ChartSpec, any_view: DayView) -> None:
    drawn = Chart(spec, [any_view])
    image = Image.open(io.BytesIO(drawn.image([any_view])))
    assert min(image.size) > 200
    assert drawn.axes.get_xlabel() == "day"
    assert drawn.axes.get_ylabel()
    assert drawn.axes.get_title(loc="left") == spec.title
    assert list(drawn.today.get_xdata()) == [any_view.day, any_view.day]
    low, high = drawn.axes.get_ylim()
    assert np.isfinite([low, high]).all()
    assert low < high


def test_lines_are_the_columns_of_the_run(pair: DayView) -> None:
    drawn = Chart(chart("gap"), [pair])
    drawn.update([pair])
    (line,) = drawn._lines[0]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(pair.day + 1))
    np.testing.assert_array_equal(line.get_ydata(), pair.history["gap"])


def test_money_has_the_currency_on_its_axis(pair: DayView) -> None:
    assert Chart(chart("gap"), [pair]).axes.get_ylabel() == "USD"


def test_the_band_is_the_trigger_times_the_exposure(pair: DayView) -> None:
    assert pair.trigger == 0.02
    drawn = Chart(chart("gap"), [pair])
    drawn.update([pair])
    edges = np.unique(np.abs(drawn._bands[0].get_xy()[:, 1]))
    np.testing.assert_allclose(edges, 0.02 * pair.history["exposure"][0])


def test_prices_begin_at_a_hundred(pair: DayView) -> None:
    drawn = Chart(chart("prices"), [pair])
    drawn.update([pair])
    assert len(drawn._lines[0]) == 2
    assert {line.get_ydata()[0] for line in drawn._lines[0]} == {100.0}


def test_two_markets_share_the_axes(pair: DayView) -> None:
    other = view_after(market_of(PAIR, **{"agreement.model": 1, "agreement.trigger": 0.0}), 10)
    drawn = Chart(chart("gap"), [pair, other])
    drawn.update([pair, other])
    (one,), (two,) = drawn._lines
    assert one.get_color() != two.get_color()
    np.testing.assert_array_equal(two.get_ydata(), other.history["gap"])


def test_the_scale_grows_and_never_shrinks() -> None:
    market = market_of(PAIR)
    view = view_after(market, 0)
    drawn = Chart(chart("prices"), [view])
    last = (np.inf, -np.inf)
    for _ in range(4):
        view = view_after(market, 6)
        drawn.update([view])
        low, high = drawn.axes.get_ylim()
        assert low <= last[0]
        assert high >= last[1]
        assert low <= min(line.get_ydata().min() for line in drawn._lines[0])
        last = (low, high)


def test_a_later_day_is_drawn_over_a_clean_background() -> None:
    market = market_of(PAIR)
    first = view_after(market, 3)
    drawn = Chart(chart("coverage"), [first])
    image = drawn.image([first])
    drawn.image([view_after(market, 3)])
    assert drawn.image([first]) == image
