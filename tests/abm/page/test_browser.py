"""The page in a real, headless Chromium; skipped where there is none."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

from abm.page.browser import (
    browser,
    day_of,
    element,
    open_page,
    step_to,
    wait_for,
    why_not,
)

if find_spec("solara") is None or find_spec("solara_assets") is None:
    pytest.skip("the extra `app` is not installed", allow_module_level=True)
if why_not():
    pytest.skip(why_not(), allow_module_level=True)

# Solara would rather have https, and uvicorn another module of websockets.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Cookies with samesite=none:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*websockets:DeprecationWarning"),
]

PICTURES = Path(os.environ.get("COLLATERAL_SCREENSHOTS", "results/screenshots"))
"""Where pictures of the tested page are left to be looked at; not under version control."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running server."""
    from abm.page.launch import running_page

    with running_page() as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser saves downloads."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium(folder: Path) -> Iterator[Any]:
    """A browser that is used by all tests."""
    with browser((1300, 1000), folder) as driver:
        yield driver


@pytest.fixture
def page(chromium: Any, address: str) -> Any:
    """The page, freshly opened: a session of its own."""
    open_page(chromium, address)
    return chromium


@pytest.fixture(autouse=True)
def picture(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave a picture of how each test ended."""
    yield
    if "chromium" in request.fixturenames:
        PICTURES.mkdir(parents=True, exist_ok=True)
        driver = request.getfixturevalue("chromium")
        (PICTURES / f"{request.node.name}.png").write_bytes(driver.get_screenshot_as_png())


def choose(driver: Any, label: str, text: str) -> None:
    """Choose from one of the lists."""
    (select,) = [
        found
        for found in driver.find_elements("css selector", ".market-choice")
        if found.text.split("\n")[0] == label
    ]
    select.click()
    path = ".menuable__content__active .v-list-item"

    def item(d: Any) -> Any:
        return next((i for i in d.find_elements("css selector", path) if i.text == text), None)

    wait_for(driver, item).click()


def ready(driver: Any) -> None:
    wait_for(driver, lambda d: element(d, ".market-step").is_enabled())


def requests(driver: Any) -> list[str]:
    """Addresses that the page asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    opened = [m["params"] for m in messages if m["method"] == "Network.webSocketCreated"]
    return [p["request"]["url"] for p in sent] + [p["url"] for p in opened]


def test_it_loads_without_errors_and_asks_nobody_else(chromium: Any, address: str) -> None:
    chromium.get("about:blank")
    requests(chromium), chromium.get_log("browser")
    open_page(chromium, address)
    before = element(chromium, ".market-network img").get_attribute("src")
    step_to(chromium, 2)
    assert element(chromium, ".market-network img").get_attribute("src") != before
    asked = requests(chromium)
    here = urlsplit(address).netloc
    schemes = ("data", "blob", "about")
    others = [url for url in asked if urlsplit(url).scheme not in schemes]
    assert len(others) > 5
    assert {urlsplit(url).netloc for url in others} == {here}
    pictures = chromium.find_elements("css selector", ".market-network img, .market-charts img")
    assert len(pictures) == 10
    assert all(int(image.get_attribute("naturalWidth")) > 300 for image in pictures)
    assert chromium.title == "Collateral market"
    errors = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []


def test_play_and_pause(page: Any) -> None:
    choose(page, "Speed", "10 days a second")
    element(page, ".market-play").click()
    wait_for(page, lambda d: day_of(d) >= 3)
    element(page, ".market-pause").click()
    ready(page)
    stopped = day_of(page)
    time.sleep(1)
    assert day_of(page) == stopped
    element(page, ".market-reset").click()
    wait_for(page, lambda d: day_of(d) == 0)


def test_changing_the_model_resets(page: Any) -> None:
    step_to(page, 2)
    choose(page, "Model", "2: several tokens, every day")
    wait_for(page, lambda d: day_of(d) == 0)
    assert "Threshold (β): 0 %" in element(page, ".market-sidebar").text
    ready(page)
    step_to(page, 1)


def test_a_default_appears_in_the_events(page: Any) -> None:
    choose(page, "Speed", "fastest")
    element(page, ".market-play").click()
    wait_for(page, lambda d: "default" in element(d, ".market-events").text, 60)
    element(page, ".market-pause").click()
    ready(page)
    assert "new default" in page.find_element("tag name", "main").text


def test_a_click_on_a_participant_tells_of_it(page: Any) -> None:
    from selenium.webdriver import ActionChains

    spot = page.find_elements("css selector", ".market-spot")[0]
    ActionChains(page).move_to_element(spot).perform()
    tip = wait_for(page, lambda d: element(d, ".market-tip").text)
    name = tip.split(",")[0]
    assert "wallet" in tip
    spot.click()
    told = wait_for(page, lambda d: "Equity" in element(d, ".market-one").text and d)
    assert f"of {name} on day 0" in element(told, ".market-events").text


def test_the_download_holds_the_tables(page: Any, folder: Path) -> None:
    step_to(page, 3)
    (button,) = [b for b in page.find_elements("css selector", "button") if b.text == "CSV"]
    button.click()
    file = folder / "collateral-run-csv.zip"
    wait_for(page, lambda d: file.is_file())
    archive = zipfile.ZipFile(file)
    days = pd.read_csv(io.BytesIO(archive.read("as-in-the-scenario/days.csv")))
    assert days["day"].tolist() == [0, 1, 2, 3]
    assert {"gap", "margin_calls", "exposure"} <= set(days.columns)
    assert "as-in-the-scenario/events.csv" in archive.namelist()


def test_two_models_side_by_side(page: Any) -> None:
    choose(page, "Compare with", "1: one token, every day")
    wait_for(page, lambda d: len(d.find_elements("css selector", ".market-network")) == 2)
    ready(page)
    step_to(page, 2)
    assert len(page.find_elements("css selector", ".market-charts img")) == 9


def test_an_impossible_market_is_explained_and_the_page_goes_on(page: Any) -> None:
    choose(page, "Topology", "complete")
    ready(page)
    choose(page, "Participants", "1,000")
    wait_for(page, lambda d: "at most" in element(d, ".market-error").text)
    choose(page, "Participants", "10")
    wait_for(page, lambda d: day_of(d) == 0)
    ready(page)
    step_to(page, 1)


@pytest.mark.parametrize(
    ("participants", "note"), [("10", ""), ("100", ""), ("1,000", "gathered by role")]
)
def test_markets_of_all_sizes_are_shown(page: Any, participants: str, note: str) -> None:
    choose(page, "Participants", participants)
    wait_for(
        page, lambda d: f"{participants} participants" in d.find_element("tag name", "main").text
    )
    ready(page)
    step_to(page, 2)
    assert note in page.find_element("tag name", "main").text


def test_a_small_window_hides_the_settings_and_fits(page: Any) -> None:
    size = {"height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 480, **size})
    try:
        time.sleep(0.5)
        width = page.execute_script("return document.documentElement.scrollWidth")
        assert width <= 480
        assert element(page, ".market-step").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1300, **size})
