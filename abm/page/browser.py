"""A headless Chromium that looks at the page: for pictures of it, and for tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.errors import InputError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

NAMES = ("chromium", "chromium-browser", "google-chrome")


def why_not() -> str:
    """Why there is no browser to look with; empty if there is one."""
    if find_spec("selenium") is None:
        return "selenium is not installed (pip install selenium)"
    if not any(shutil.which(name) for name in NAMES):
        return "there is no Chromium (Debian: apt-get install chromium chromium-driver)"
    if shutil.which("chromedriver") is None:
        return "there is no chromedriver (Debian: apt-get install chromium-driver)"
    return ""


@contextmanager
def browser(size: tuple[int, int], downloads: Path | None = None) -> Iterator[Chrome]:
    """A headless Chromium with a fresh profile and a window of this size.

    It keeps the logs of its console and of its network.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, NAMES)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if downloads is not None:
            options.add_experimental_option(
                "prefs", {"download.default_directory": str(downloads.resolve())}
            )
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
            )
            yield driver
        finally:
            driver.quit()


def wait_for(driver: Chrome, condition: Callable[[Chrome], Any], seconds: float = 30) -> Any:
    """Wait until a condition gives something, and give that."""
    from selenium.common.exceptions import (
        NoSuchElementException,
        StaleElementReferenceException,
    )
    from selenium.webdriver.support.ui import WebDriverWait

    passing = (NoSuchElementException, StaleElementReferenceException)
    return WebDriverWait(driver, seconds, 0.1, passing).until(condition)


def element(driver: Chrome, selector: str) -> Any:
    """The first element that a CSS selector finds."""
    return driver.find_element("css selector", selector)


def day_of(driver: Chrome) -> int:
    """The day that the page shows."""
    return int(element(driver, ".market-day").text.split()[1])


def open_page(driver: Chrome, url: str) -> None:
    """Open the page, and wait until it shows the day that its address names, or the last one."""
    driver.get(url)
    wait_for(driver, lambda d: d.execute_script(_SHOWN), 120)


def step_to(driver: Chrome, day: int) -> None:
    """Step until the page shows a day, or the window ends."""
    while (now := day_of(driver)) < day:
        button = element(driver, ".market-step")
        if button.get_attribute("aria-disabled") == "true":
            return
        button.click()
        _wait_for_day_after(driver, now)


def _wait_for_day_after(driver: Chrome, day: int) -> None:
    wait_for(driver, lambda page: day_of(page) > day)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from a text like 1400x900.

    Raises:
        InputError: it is not like that, or beyond 200 to 6000 pixels.
    """
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InputError(f"--size: {text!r} is not a width and a height such as 1400x900")
    size = (int(width), int(height))
    if not all(200 <= side <= 6000 for side in size):
        raise InputError(f"--size: {text} must lie between 200 and 6000 pixels each way")
    return size


def write_screenshot(path: Path, scenario: str | None, days: int, size: tuple[int, int]) -> int:
    """Write a picture (PNG) of the page on a day of a scenario, or its last; gives the day.

    Raises:
        InputError: there is no browser to make it with, no such scenario, or nowhere to write it.
    """
    from abm.page.launch import running_page
    from abm.page.settings import Offer

    if reason := why_not():
        raise InputError(f"--screenshot: {reason}")
    if not path.parent.is_dir():
        raise InputError(f"--screenshot: {path.parent}: no such folder")
    with running_page(Offer(scenario)) as url, browser(size) as driver:
        open_page(driver, f"{url}/?day={days}")
        path.write_bytes(driver.get_screenshot_as_png())
        return day_of(driver)


_SHOWN = """
const asked = Number(new URLSearchParams(location.search).get('day')) || 0;
const time = document.querySelector('.market-time');
const drawn = [...document.querySelectorAll('.market-network, .market-chart')];
return time && Number(time.value) >= Math.min(asked, time.max) && drawn.length > 4
  && drawn.every(part => part.querySelector('canvas'));
"""
