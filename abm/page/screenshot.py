"""A picture of the page, made by Chromium."""

from __future__ import annotations

from pathlib import Path

from scenarios.errors import InputError


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
    from abm.page.browser import browser, day_of, open_page, why_not
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
