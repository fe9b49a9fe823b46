"""What a visitor of the page reaches: parts, addresses, files, on a phone and by keyboard."""

from __future__ import annotations

import io
import time
import zipfile
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest
from page.browsing import BOXES, QUIET, click, press, put, text_of, window

from abm.page.browser import day_of, element, open_page, step_to, wait_for
from abm.page.settings import Offer, Settings

pytestmark = QUIET


@pytest.mark.skipif(find_spec("axe_core_python") is None, reason="axe-core-python is not installed")
@pytest.mark.parametrize(("dark", "width"), [(0, 1440), (1, 1440), (0, 390)])
def test_an_automatic_check_finds_nothing_serious(visit: Any, dark: int, width: int) -> None:
    from pathlib import Path

    import axe_core_python

    driver = visit(day=14, dark=dark, compare=1, who="D2")
    with window(driver, width):
        click(driver, ".cm-settings")
        script = Path(axe_core_python.__file__).with_name("axe.min.js").read_text("utf-8")
        driver.execute_script(script)
        found = driver.execute_async_script(
            "axe.run(document).then(arguments[arguments.length - 1])"
        )
    serious = [
        (finding["id"], finding["nodes"][0]["html"][:200])
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_click_on_a_participant_tells_of_it_and_shows_its_neighbours(visit: Any) -> None:
    from selenium.webdriver import ActionChains

    driver = visit(day=4)
    x, y, name = driver.execute_script(
        BOXES
        + """
        const at = boxes.network0.getOption().series.findIndex(one => one.name === 'dealer');
        const item = boxes.network0.getOption().series[at].data[1];
        const [x, y] = boxes.network0.convertToPixel({ seriesIndex: at }, item.value);
        const box = boxes.network0.getDom().getBoundingClientRect();
        return [x - box.width / 2, y - box.height / 2, item.name];
        """
    )
    network = element(driver, ".market-network")
    ActionChains(driver).move_to_element_with_offset(network, int(x), int(y)).click().perform()
    wait_for(driver, lambda d: element(d, ".cm-participant").get_attribute("value") == name)
    wait_for(driver, lambda d: f"of {name} on day 4" in text_of(d, ".tables nav"))
    click(driver, ".cm-tab-balance")
    assert "wallet" in text_of(driver, ".market-balance")
    click(driver, ".cm-tab-loans")
    assert f"open loans of {name}" in text_of(driver, ".tables nav")
    wait_for(driver, lambda d: f"who={name}" in d.current_url)


def test_a_participant_is_shown_with_its_balance_sheet(visit: Any) -> None:
    driver = visit("leverage-spiral", day=3)
    name = driver.execute_script(
        BOXES + "const name = page.markets[0].names[0]; page.chooseName(name); return name;"
    )
    wait_for(driver, lambda d: element(d, ".cm-participant").get_attribute("value") == name)
    click(driver, ".cm-tab-balance")
    wait_for(driver, lambda d: "leverage" in text_of(d, ".market-balance"))
    shown = text_of(driver, ".market-balance")
    assert "liabilities and equity" in shown
    (market,) = Offer().markets(Settings("leverage-spiral"))
    for _ in range(3):
        market.step()
    mine = market.participants_frame().set_index("participant").loc[name]
    assert shown.count(f"{round(mine['assets']):,}") == 2, "both sides come to the same"
    for line in ("net_worth", "sheet_debt", "sheet_outside"):
        assert f"{round(mine[line]):,}" in shown


def test_the_address_says_what_is_shown(visit: Any, address: str) -> None:
    driver = visit()
    click(driver, ".cm-settings")
    put(driver, "[data-control='agreement.grace_days'] input", "3")
    wait_for(driver, lambda d: "agreement.grace_days=3" in d.current_url)
    step_to(driver, 2)
    click(driver, ".cm-dark")
    wait_for(driver, lambda d: "day=2" in d.current_url and "dark=1" in d.current_url)
    url = driver.current_url
    driver.get("about:blank")
    open_page(driver, url)
    assert day_of(driver) == 2
    assert "dark" in element(driver, ".cm").get_attribute("class").split()
    click(driver, ".cm-settings")
    box = element(driver, "[data-control='agreement.grace_days'] input")
    assert box.get_attribute("value") == "3"


def test_an_address_that_means_no_market_is_explained(visit: Any) -> None:
    driver = visit("nowhere", haircut=7)
    assert "there is no scenario 'nowhere'" in text_of(driver, ".cm-error")
    assert day_of(driver) == 0


def test_the_walk_goes_from_day_to_day(visit: Any) -> None:
    driver = visit()
    click(driver, ".cm-walk")
    wait_for(driver, lambda d: d.find_elements("css selector", ".walk"), 60)
    days = []
    while driver.find_elements("css selector", ".walk"):
        head = text_of(driver, ".walk h2")
        assert head.startswith(f"Day {day_of(driver)}: ")
        days.append(day_of(driver))
        click(driver, ".cm-next")
    assert len(days) > 5
    assert days == sorted(days)


def test_tables_and_pictures_are_saved(visit: Any) -> None:
    driver = visit(day=3)

    def saved(number: int, name: str) -> bytes:
        click(driver, ".menu summary")
        driver.find_elements("css selector", ".menu button")[number].click()
        file = driver.downloads / name
        wait_for(driver, lambda d: file.is_file())
        content = bytes(file.read_bytes())
        file.unlink()
        return content

    archive = zipfile.ZipFile(io.BytesIO(saved(0, "collateral-run-csv.zip")))
    days = pd.read_csv(io.BytesIO(archive.read("as-in-the-scenario/days.csv")))
    assert days["day"].tolist() == [0, 1, 2, 3]
    assert saved(2, "network-day-3.png").startswith(b"\x89PNG")
    svg = saved(3, "network-day-3.svg").decode()
    assert svg.startswith("<svg")
    assert "Network, crash, day 3" in svg


def test_a_phone_reaches_everything(visit: Any) -> None:
    driver = visit(day=3)
    with window(driver, 390, 844):
        time.sleep(0.5)
        # Nothing lies beside or below the part that scrolls.
        root = "return document.documentElement."
        assert driver.execute_script(root + "scrollWidth") <= 390
        assert driver.execute_script(root + "scrollHeight") <= 844
        click(driver, ".menu summary")
        buttons = driver.find_elements("css selector", "header button, .time button")
        for button in buttons:
            box = button.rect
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["height"] >= 24
        press(driver, "\ue00c")
        assert element(driver, ".market-network").rect["height"] > 200
        step_to(driver, 4)
