"""How long the server page takes for a day: to simulate, to draw, and until the browser shows it.

    python -m tests.benchmarks.bench_page            # in this process
    python -m tests.benchmarks.bench_page --browser  # also on the page, in a headless Chromium

Prints medians and 95th percentiles in milliseconds; the first days, in which scales settle and code
is loaded, are told apart. `cpu` is the processor time of a day, which says more than the clock on a
machine that others use, too. Targets: 300 ms with 100 participants and 1,000 loans, one second with
1,000 and 20,000.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from abm.app import panels
from abm.app.chart_list import CHARTS
from abm.app.charts import Chart
from abm.app.gathering import gather
from abm.app.layouts import positions
from abm.app.network_figure import NetworkFigure
from abm.app.page_names import FIRST_SCENARIO
from abm.app.picture import picture
from abm.app.settings import Settings
from abm.app.tables import event_rows
from abm.app.view import Watch

SIZES = {100: 300.0, 1000: 1000.0}
"""Participants, and milliseconds that a day may take."""

WARM_UP, DAYS = 4, 30


def settings_for(participants: int) -> Settings:
    """Ten lenders a borrower, or thereabouts: every day moves every loan."""
    per_pair = 5 if participants == 100 else 10
    return Settings(
        FIRST_SCENARIO,
        model=2,
        topology="random-bipartite",
        participants=participants,
        loans_per_pair=per_pair,
        prices="gbm",
    )


def time_in_process(participants: int) -> tuple[int, dict[str, list[float]]]:
    """Milliseconds of each part of a day, and the number of loans."""
    (market,) = settings_for(participants).markets()
    watch = Watch(market)
    view = watch.look()
    drawn = gather(view.graph)
    place = positions(drawn, "core-periphery")
    network, charts = NetworkFigure(drawn, place), [Chart(spec, [view]) for spec in CHARTS]
    parts: dict[str, list[float]] = {
        name: [] for name in ("step", "look", "network", "charts", "events", "day", "cpu")
    }
    for _ in range(WARM_UP + DAYS):
        laps, processor = [time.perf_counter()], time.process_time()
        market.step()
        laps.append(time.perf_counter())
        view = watch.look()
        laps.append(time.perf_counter())
        day = picture(view, drawn, place)
        network.image(day)
        panels._spots(view, day)
        laps.append(time.perf_counter())
        for chart in charts:
            chart.image([view])
        laps.append(time.perf_counter())
        event_rows(view)
        laps.append(time.perf_counter())
        taken = 1e3 * np.diff(laps)
        processor = 1e3 * (time.process_time() - processor)
        for name, milliseconds in zip(parts, [*taken, taken.sum(), processor], strict=True):
            parts[name].append(float(milliseconds))
    return len(market.books.loans), parts


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


def time_in_browser(participants: int) -> list[float]:
    """Milliseconds from a click on Step until the next day is shown."""
    from unittest.mock import patch

    from abm.app.browser import browser, element, open_page, wait_for
    from abm.app.launch import running_page

    times = []
    with (
        patch("abm.app.page.first_settings", lambda: settings_for(participants)),
        running_page() as url,
        browser((1400, 1000)) as driver,
    ):
        open_page(driver, url)
        driver.set_script_timeout(60)
        for _ in range(WARM_UP + DAYS):
            wait_for(driver, lambda d: element(d, ".market-step").is_enabled())
            times.append(float(driver.execute_async_script(_CLICK)))
    return times


def _told(times: list[float]) -> str:
    settled = np.array(times[WARM_UP:])
    first = max(times[:WARM_UP])
    return (
        f"median {np.median(settled):5.0f}  p95 {np.quantile(settled, 0.95):5.0f}"
        f"  slowest of the first {WARM_UP} days {first:5.0f}"
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--browser", action="store_true", help="also measure on the page")
    on_page = parser.parse_args().browser
    for participants, most in SIZES.items():
        loans, parts = time_in_process(participants)
        print(f"{participants:,} participants, {loans:,} loans (target {most:.0f} ms)")
        for name, times in parts.items():
            print(f"  {name:8} {_told(times)}")
        if on_page:
            print(f"  {'on page':8} {_told(time_in_browser(participants))}")


if __name__ == "__main__":
    main()
