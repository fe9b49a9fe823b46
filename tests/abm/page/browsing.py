"""What a visitor does on the page in a browser, and reads there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from abm.page.browser import element

# Solara would rather have https, and uvicorn another module of websockets.
QUIET = [
    pytest.mark.filterwarnings("ignore:Cookies with samesite=none:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*websockets:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*SH101"),
]

BOXES = "const page = document.querySelector('.cm').__vue__; const boxes = page.boxes;"


@contextmanager
def window(driver: Any, width: int, height: int = 900) -> Iterator[None]:
    """Another size of the window."""

    def resize(width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    resize(width, height)
    try:
        yield
    finally:
        resize(1440, 900)


def severe(driver: Any) -> list[str]:
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def text_of(driver: Any, selector: str) -> str:
    return str(_there(driver, selector, lambda found: found.text))


def click(driver: Any, selector: str) -> None:
    _there(driver, selector, lambda found: found.click())


def _there(driver: Any, selector: str, act: Callable[[Any], Any]) -> Any:
    """Do it to what is there now: the page may draw it anew between finding it and that."""
    from selenium.common.exceptions import StaleElementReferenceException

    for _ in range(5):
        try:
            return act(element(driver, selector))
        except StaleElementReferenceException:
            continue
    return act(element(driver, selector))


def press(driver: Any, key: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(driver).send_keys(key).perform()


def put(driver: Any, selector: str, value: str) -> None:
    """Put a value into a control as a visitor does: the page hears of the change."""
    driver.execute_script(
        "const [box, value] = arguments; box.value = value;"
        "box.dispatchEvent(new Event('input')); box.dispatchEvent(new Event('change'));",
        element(driver, selector),
        value,
    )


def figures(driver: Any) -> dict[str, str]:
    names = driver.find_elements("css selector", ".figures dt")
    values = driver.find_elements("css selector", ".figures dd")
    return {name.text: value.text for name, value in zip(names, values, strict=True)}


def days_shown(driver: Any) -> list[int]:
    """The day that each part shows: words, network, charts, table, and what is drawn in them."""
    return list(
        driver.execute_script(
            BOXES
            + """
            const words = Number(document.querySelector('.market-day').innerText.split(' ')[1]);
            const parts = [...document.querySelectorAll('[data-day]')]
              .map(part => Number(part.dataset.day));
            const drawn = Object.entries(boxes).map(([name, box]) => {
              const series = box.getOption().series;
              return name.startsWith('network') ? series[0].day
                : series[series.length - 1].markLine.data[0].xAxis;
            });
            const time = Number(document.querySelector('.market-time').value);
            return [words, time, ...parts, ...drawn];
            """
        )
    )
