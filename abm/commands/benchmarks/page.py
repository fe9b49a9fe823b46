"""The page of `collateral serve`: a day simulated, sent, and shown by a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import process_time

import click
import numpy as np

from abm.commands.benchmarks.measurement import Measurement
from abm.page.settings import FIRST_SCENARIO, Offer, Settings
from scenarios.errors import InputError

WARM_UP = 4
"""Days in which code is loaded; told apart."""


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
    offer = Offer()
    given = [settings_for(number) for number in participants]
    markets = [market for settings in given for market in offer.markets(settings)]
    most = len(markets[0].days) - 1 - WARM_UP
    if days > most:
        raise InputError(f"--days {days}: the scenario has {most}, those to warm up left out")
    sizes = [len(market.books.loans) for market in markets]
    return _measured(given, sizes, days, browser)


def _measured(
    given: list[Settings], sizes: list[int], days: int, browser: bool
) -> Iterator[Measurement]:
    for settings, loans in zip(given, sizes, strict=True):
        size = f"{settings.values['participants']:,} participants, {loans:,} loans"
        click.echo(f"{size}, in this process", err=True)
        yield from _sent(settings, loans, days)
        if browser:
            click.echo(f"{size}, in a browser", err=True)
            yield from _shown(settings, loans, days)


def settings_for(participants: int) -> Settings:
    """Ten loans a participant, or thereabouts, and twenty from 1,000 participants on."""
    values = {
        "model": 2,
        "topology": "random-bipartite",
        "participants": participants,
        "loans": 5 if participants < 1000 else 10,
        "prices": "gbm",
    }
    return Settings(FIRST_SCENARIO, values=values)


def _sent(settings: Settings, loans: int, days: int) -> Iterator[Measurement]:
    """A day simulated, looked at and written as the message that a browser gets."""
    from abm.page.watch import Watch

    (market,) = Offer().markets(settings)
    watch = Watch(market)
    watch.look()
    simulated, told, sizes = [], [], []
    for _ in range(WARM_UP + days):
        began = process_time()
        market.step()
        between = process_time()
        message = json.dumps(watch.look())
        simulated.append(1e3 * (between - began))
        told.append(1e3 * (process_time() - between))
        sizes.append(len(message) / 1e3)
    yield from _told("processor time to simulate a day", loans, simulated)
    yield from _told("processor time to tell a day", loans, told)
    yield from _told("message of a day", loans, sizes, "kB")


def _shown(settings: Settings, loans: int, days: int) -> Iterator[Measurement]:
    """A day from the click on Step until the browser has drawn it, and the server's part of it."""
    from urllib.parse import urlencode

    from abm.page.browser import browser, open_page
    from abm.page.launch import running_page

    query = urlencode({"scenario": settings.scenario, **settings.values})
    clicks, processor, sizes = [], [], []
    with running_page() as url, browser((1440, 900)) as driver:
        open_page(driver, f"{url}/?{query}")
        driver.set_script_timeout(60)
        driver.get_log("performance")
        for _ in range(WARM_UP + days):
            began = process_time()
            clicks.append(float(driver.execute_async_script(_CLICK)))
            # The server runs in this process; asking the browser costs it next to nothing.
            processor.append(1e3 * (process_time() - began))
            sizes.append(_received(driver.get_log("performance")) / 1e3)
        driver.execute_script("document.querySelector('.cm-speed').value = 10;")
        driver.execute_script(
            "document.querySelector('.cm-speed').dispatchEvent(new Event('change'));"
        )
        driver.execute_script("document.querySelector('.market-play').click();")
        paces = [float(driver.execute_async_script(_PACE)) for _ in range(3)]
    yield from _told("day on the page", loans, clicks)
    yield from _told("processor time of a day on the page", loans, processor)
    yield from _told("bytes of a day on the page", loans, sizes, "kB")
    yield Measurement("days shown a second, asked for 10", loans, float(np.median(paces)), "1/s")


def _received(log: list[dict[str, str]]) -> int:
    """Bytes that came by websocket."""
    messages = [json.loads(entry["message"])["message"] for entry in log]
    method = "Network.webSocketFrameReceived"
    frames = [m["params"]["response"] for m in messages if m["method"] == method]
    # Binary frames are told in base64.
    return sum(len(f["payloadData"]) * (3 if f["opcode"] == 2 else 4) // 4 for f in frames)


_CLICK = """
const done = arguments[arguments.length - 1];
const day = () => document.querySelector('.cm').dataset.day;
const before = day();
const began = performance.now();
document.querySelector('.market-step').click();
(function look() {
  if (day() === before) setTimeout(look, 2);
  // Two frames on the canvases are painted.
  else requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})();
"""

_PACE = """
const done = arguments[arguments.length - 1];
const day = () => Number(document.querySelector('.cm').dataset.day);
const before = day(), began = performance.now();
setTimeout(() => done(1000 * (day() - before) / (performance.now() - began)), 2000);
"""


def _told(name: str, loans: int, values: list[float], unit: str = "ms") -> Iterator[Measurement]:
    settled = values[WARM_UP:]
    yield Measurement(name, loans, float(np.median(settled)), unit)
    yield Measurement(f"{name}, 95th percentile", loans, float(np.quantile(settled, 0.95)), unit)
