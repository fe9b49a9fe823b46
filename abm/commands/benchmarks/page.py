"""The page of `collateral serve`: a day simulated, drawn, and shown by a browser."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter, process_time
from unittest.mock import patch

import click
import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.model import CollateralMarket
from abm.page.page_names import FIRST_SCENARIO
from abm.page.settings import Settings
from scenarios.errors import InputError

PARTS = ("step", "look", "network", "charts", "events")
"""Of a day, in this order: simulate, copy what is shown, and draw its three parts."""

WARM_UP = 4
"""Days in which scales settle and code is loaded; told apart."""


def measure(participants: tuple[int, ...], days: int, browser: bool) -> Iterator[Measurement]:
    """Check what is given, then measure days of Model 2, in which every loan is called every day.

    Args:
        participants: of the markets to measure, one after the other.
        days: to measure, after those to warm up.
        browser: whether to measure in a browser, too.

    Raises:
        InputError: the packages of the page are not installed, or there is no browser.
    """
    from abm.page.launch import require_app

    require_app()
    if browser:
        from abm.page.browser import why_not

        if reason := why_not():
            raise InputError(f"--browser: {reason}")
    given = [settings_for(number) for number in participants]
    markets = [market for settings in given for market in settings.markets()]
    most = len(markets[0].days) - 1 - WARM_UP
    if days > most:
        raise InputError(f"--days {days}: the scenario has {most}, those to warm up left out")
    return _measured(given, markets, days, browser)


def _measured(
    given: list[Settings], markets: list[CollateralMarket], days: int, browser: bool
) -> Iterator[Measurement]:
    for settings, market in zip(given, markets, strict=True):
        loans = len(market.books.loans)
        size = f"{settings.participants:,} participants, {loans:,} loans"
        click.echo(f"{size}, in this process", err=True)
        yield from _drawn(market, days)
        if browser:
            click.echo(f"{size}, in a browser", err=True)
            yield from _shown(settings, loans, days)


def settings_for(participants: int) -> Settings:
    """Ten loans a participant, or thereabouts, and twenty from 1,000 participants on."""
    return Settings(
        FIRST_SCENARIO,
        model=2,
        topology="random-bipartite",
        participants=participants,
        loans_per_pair=5 if participants < 1000 else 10,
        prices="gbm",
    )


def _drawn(market: CollateralMarket, days: int) -> Iterator[Measurement]:
    """A day with everything that is drawn of it, in this process."""
    from abm.page import panels
    from abm.page.chart_list import CHARTS
    from abm.page.charts import Chart
    from abm.page.gathering import gather
    from abm.page.layouts import positions
    from abm.page.network_figure import NetworkFigure
    from abm.page.picture import picture
    from abm.page.tables import event_rows
    from abm.page.view import Watch

    loans = len(market.books.loans)
    watch = Watch(market)
    view = watch.look()
    drawn = gather(view.graph)
    place = positions(drawn, "core-periphery")
    network, charts = NetworkFigure(drawn, place), [Chart(spec, [view]) for spec in CHARTS]
    times, processor = [], []
    for _ in range(WARM_UP + days):
        laps, began = [perf_counter()], process_time()
        market.step()
        laps.append(perf_counter())
        view = watch.look()
        laps.append(perf_counter())
        day = picture(view, drawn, place)
        network.image(day)
        panels._spots(view, day)
        laps.append(perf_counter())
        for chart in charts:
            chart.image([view])
        laps.append(perf_counter())
        event_rows(view)
        laps.append(perf_counter())
        times.append(1e3 * np.diff(laps))
        processor.append(1e3 * (process_time() - began))
    for name, part in zip(PARTS, np.transpose(times[WARM_UP:]), strict=True):
        yield Measurement(f"{name} of a day", loans, float(np.median(part)), "ms")
    used = float(np.median(processor[WARM_UP:]))
    yield Measurement("processor time of a day", loans, used, "ms")
    yield from _told("day drawn", loans, np.sum(times, axis=1))


def _shown(settings: Settings, loans: int, days: int) -> Iterator[Measurement]:
    """A day from the click on Step until the browser shows it."""
    from abm.page.browser import browser, element, open_page, wait_for
    from abm.page.launch import running_page

    times = []
    with (
        # The page begins with a bundled scenario; a visitor would have to move its controls.
        patch("abm.page.page.first_settings", lambda: settings),
        running_page() as url,
        browser((1400, 1000)) as driver,
    ):
        open_page(driver, url)
        driver.set_script_timeout(60)
        for _ in range(WARM_UP + days):
            wait_for(driver, lambda d: element(d, ".market-step").is_enabled())
            times.append(float(driver.execute_async_script(_CLICK)))
    yield from _told("day on the page", loans, np.array(times))


_CLICK = """
const done = arguments[arguments.length - 1];
const network = () => document.querySelector('.market-network img');
const charts = () => [...document.querySelectorAll('.market-charts img')];
// The network may look the same two days running; the charts never do.
const day = () => document.querySelector('.market-day').innerText;
const shown = () => [day(), charts().map(chart => chart.src).join()];
const before = shown();
const began = performance.now();
document.querySelector('.market-step').click();
function look() {
  const now = shown();
  const complete = [network(), ...charts()].every(image => image.complete);
  if (now[0] !== before[0] && now[1] !== before[1] && complete) {
    requestAnimationFrame(() => done(performance.now() - began));
  } else { setTimeout(look, 4); }
}
look();
"""


def _told(name: str, loans: int, times: np.ndarray) -> Iterator[Measurement]:
    settled = times[WARM_UP:]
    yield Measurement(name, loans, float(np.median(settled)), "ms")
    yield Measurement(f"{name}, 95th percentile", loans, float(np.quantile(settled, 0.95)), "ms")
    slowest = float(times[:WARM_UP].max())
    yield Measurement(f"{name}, slowest of first", loans, slowest, "ms")
