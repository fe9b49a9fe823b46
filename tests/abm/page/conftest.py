"""Markets in the states that every part must show, and a browser that looks at the page."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from page.browsing import severe

from abm.model import CollateralMarket
from abm.page.browser import browser, open_page, why_not
from abm.page.session import Session
from abm.page.settings import Offer
from abm.page.watch import Watch
from scenarios.scenario import Scenario

PAIR: dict[str, Any] = {
    "window": {"start": "2008-09-02", "end": "2008-10-15"},
    "prices": {
        "source": "file",
        "file": "bundled:us_stocks_2007_2010",
        "tokens": ["AAPL", "IBM"],
    },
    "agreement": {"model": 4, "haircut": 0.05},
    "loan": {"collateral": {"AAPL": 1000, "IBM": 1000}},
}

NETWORK: dict[str, Any] = {
    **PAIR,
    "participants": {"lenders": 3, "borrowers": 5, "dealers": 2, "equity_ratio": 0.1},
    "network": {"topology": "core-periphery"},
}

HOSTILE = [
    "$B_1$ $",
    "<img src=x onerror=\"document.title='broken in'\">",
    "東京海上日動火災保険株式会社",
    "A very long name of a borrower that goes on and on beyond every column",
]
"""Names that must be text, whatever they look like."""

PICTURES = Path(os.environ.get("COLLATERAL_SCREENSHOTS", "results/screenshots"))
"""Where pictures of the tested page are left to be looked at; not under version control."""


def hostile() -> Scenario:
    """A market of participants with such names, of whom one defaults."""
    given = [{"name": "L", "role": "lender"}]
    given += [{"name": name, "role": "borrower"} for name in HOSTILE]
    table = {
        **PAIR,
        "title": "Names",
        "participants": {"lenders": 0, "borrowers": 0, "given": given},
        "defaults": {"scheduled": [{"participant": HOSTILE[0], "day": 2}]},
    }
    return Scenario.parse(table, "hostile")


def market_of(table: dict[str, Any], **changes: Any) -> CollateralMarket:
    """A market of a scenario, with its events."""
    return CollateralMarket(Scenario.parse(table, "test"), rng=1, events=True, **changes)


def watched(market: CollateralMarket, days: int) -> tuple[Watch, list[dict[str, Any]]]:
    """A market watched for some days, and what was seen of each."""
    watch = Watch(market)
    seen = [watch.look()]
    for _ in range(days):
        market.step()
        seen.append(watch.look())
    return watch, seen


class Visitor:
    """A session whose messages are collected, and answered at once."""

    def __init__(self, offer: Offer | None = None, shown: Callable[[Any], None] = lambda _: None):
        self.told: list[dict[str, Any]] = []
        self.files: list[bytes] = []
        self.session = Session(offer or Offer(), self._take, shown)

    def _take(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        self.told.append(message)
        self.files += buffers

    def ask(self, do: str, **more: Any) -> list[dict[str, Any]]:
        """Send a message, and wait for what comes back."""
        before, threads = len(self.told), set(threading.enumerate())
        self.session.receive({"do": do, **more})
        for thread in set(threading.enumerate()) - threads:
            thread.join(60)
        return self.told[before:]

    def open(self, scenario: str, to: int = 0, **settings: Any) -> list[dict[str, Any]]:
        """Open a market."""
        return self.ask("open", settings={"scenario": scenario, **settings}, to=to)


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """A visitor, who leaves in the end."""
    one = Visitor()
    yield one
    one.session.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that is used by all tests; skipped where there is none."""
    if find_spec("solara") is None or find_spec("solara_assets") is None:
        pytest.skip("the extra `app` is not installed")
    if why_not():
        pytest.skip(why_not())
    folder = tmp_path_factory.mktemp("downloads")
    with browser((1440, 900), folder) as driver:
        driver.downloads = folder
        driver.set_script_timeout(60)
        yield driver


@pytest.fixture(scope="session")
def address(chromium: Any) -> Iterator[str]:
    """A running server."""
    from abm.page.launch import running_page

    offer = Offer(
        hostile(), params={"agreement.grace_days": {"label": "Grace", "min": 0, "max": 9}}
    )
    with running_page(offer) as url:
        yield url


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Any]:
    """Opens the page, a session of its own: by scenario, settings and day; gives the browser."""

    def opened(scenario: str = "crash", **query: Any) -> Any:
        chromium.get("about:blank")
        chromium.get_log("browser"), chromium.get_log("performance")
        open_page(chromium, f"{address}/?{urlencode({'scenario': scenario, **query})}")
        return chromium

    yield opened
    assert severe(chromium) == []
    chromium.get("about:blank")


@pytest.fixture(autouse=True)
def picture(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave a picture of how each test in a browser ended."""
    yield
    if "chromium" in request.fixturenames:
        PICTURES.mkdir(parents=True, exist_ok=True)
        driver = request.getfixturevalue("chromium")
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in request.node.name)
        (PICTURES / f"{name}.png").write_bytes(driver.get_screenshot_as_png())
