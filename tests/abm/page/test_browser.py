"""The page in a real, headless Chromium; skipped where there is none."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from page.browsing import BOXES, QUIET, click, days_shown, figures, press, put, text_of, window
from page.conftest import HOSTILE

from abm.model import CollateralMarket
from abm.page.browser import day_of, element, step_to, wait_for
from abm.page.sentences import listed

pytestmark = QUIET


def test_it_loads_without_errors_and_asks_nobody_else(visit: Any, address: str) -> None:
    driver = visit()
    step_to(driver, 2)
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    opened = [m["params"] for m in messages if m["method"] == "Network.webSocketCreated"]
    urls = [p["request"]["url"] for p in asked] + [p["url"] for p in opened]
    others = [url for url in urls if urlsplit(url).scheme in ("http", "https", "ws", "wss")]
    assert len(others) > 5
    assert {urlsplit(url).netloc for url in others} == {urlsplit(address).netloc}
    assert driver.title == "Collateral market"


def test_one_screen_holds_everything(visit: Any) -> None:
    driver = visit(day=3)
    for selector in (".market-words", ".market-network", ".market-time", ".market-events"):
        box = element(driver, selector).rect
        assert box["y"] < 880, selector
    charts = [chart.rect for chart in driver.find_elements("css selector", ".market-chart")]
    assert len(charts) == 4
    assert all(chart["width"] > 250 and chart["height"] > 130 for chart in charts)
    assert driver.execute_script("return document.documentElement.scrollHeight") <= 900


@pytest.fixture(scope="module")
def crash() -> CollateralMarket:
    """The market that the page opens with, simulated without it."""
    return CollateralMarket("crash", rng=1, events=True).run()


def test_the_crash_on_the_page_is_the_crash(visit: Any, crash: CollateralMarket) -> None:
    driver = visit(day=44)
    told, summary = figures(driver), crash.summary()
    assert told["Defaults so far"] == str(summary["defaults"]) != "0"
    assert told["Losses so far"].endswith(" USD")
    assert (told["Losses so far"] == "0 USD") == (summary["close_out_loss"] == 0)
    click(driver, ".cm-settings")
    box = "[data-control=haircut] input"
    assert element(driver, box).get_attribute("value") == "5"
    assert day_of(driver) == 44
    put(driver, box, "10")
    back = wait_for(driver, lambda d: element(d, "[data-control=haircut] .back"))
    wait_for(driver, lambda d: day_of(d) == 0)
    back.click()
    wait_for(driver, lambda d: element(d, box).get_attribute("value") == "5")
    assert not driver.find_elements("css selector", "[data-control=haircut] .back")


def test_a_setting_out_of_range_is_explained_and_nothing_changes(visit: Any) -> None:
    driver = visit(day=2)
    click(driver, ".cm-settings")
    put(driver, "[data-control=haircut] input", "900")
    wait_for(driver, lambda d: "Haircut: must be a number" in text_of(d, ".cm-error"))
    assert element(driver, "[data-control=haircut] input").get_attribute("value") == "5"
    step_to(driver, 3)


def test_the_drawer_never_covers_the_way_out(visit: Any) -> None:
    for width in (1440, 390):
        driver = visit()
        with window(driver, width):
            click(driver, ".cm-settings")
            drawer = element(driver, ".drawer").rect
            assert drawer["width"] <= min(width, 350)
            if width == 1440:
                for button in (".market-step", ".cm-tab-loans", ".market-reset"):
                    click(driver, button)
            press(driver, "\ue00c")
            wait_for(driver, lambda d: not d.find_elements("css selector", ".drawer"))
            assert "cm-settings" in driver.switch_to.active_element.get_attribute("class")
            click(driver, ".market-reset")
            wait_for(driver, lambda d: day_of(d) == 0)


def test_all_of_a_thousand_participants_are_drawn_and_counted(visit: Any) -> None:
    query = {"topology": "random-bipartite", "participants": 1000, "loans": 1, "model": 2}
    driver = visit("prices-file", day=2, **query)
    drawn = driver.execute_script(
        BOXES
        + """
        const series = boxes.network0.getOption().series;
        return Object.fromEntries(series.map(one => [one.name, one.data.length]));
        """
    )
    assert drawn["lender"] + drawn["borrower"] + drawn["dealer"] == 1000
    assert drawn["pairs"] == 2100
    counts = text_of(driver, ".market-counts")
    told = re.match(r"deliveries on (\d+) of 2,100 pairs with loans", counts)
    assert told is not None
    assert drawn["deliveries"] == int(told[1]) > 150


def test_two_markets_are_a_pair(visit: Any) -> None:
    driver = visit(day=12, compare=1, **{"b.model": 2, "b.haircut": 0.1})
    with window(driver, 1024, 768):
        one, other = [part.rect for part in driver.find_elements("css selector", ".market-network")]
        assert one["y"] == other["y"]
        assert one["x"] + one["width"] <= other["x"]
    words = [part.text for part in driver.find_elements("css selector", ".market-words")]
    assert words[0].startswith("A: As in the scenario")
    assert words[1].startswith("B: Model 2, Haircut 10 %")
    bands = driver.execute_script(
        BOXES
        + """
        return boxes['chart-coverage'].getOption().series.filter(one => one.name && one.markLine)
          .map(one => one.markLine.data.map(line => Math.round(line.yAxis)));
        """
    )
    assert bands == [[98, 102], [100, 100]]
    click(driver, ".cm-tab-differences")
    rows = [r.text for r in driver.find_elements("css selector", ".market-differences tbody tr")]
    (coverage,) = [row for row in rows if row.startswith("Coverage ")]
    numbers = [float(number) for number in re.findall(r"[-+]?\d+\.\d+", coverage)]
    assert numbers[2] == pytest.approx(numbers[1] - numbers[0], abs=0.011)
    click(driver, ".cm-compare")
    wait_for(driver, lambda d: len(d.find_elements("css selector", ".market-network")) == 1)


def test_hovering_over_one_market_asks_the_other(visit: Any) -> None:
    driver = visit(day=5, compare=1)
    tips = driver.execute_script(
        BOXES
        + """
        const asked = [];
        boxes.network1.on('highlight', event => asked.push(event.batch?.[0] ?? event));
        const at = boxes.network0.getOption().series.findIndex(one => one.name === 'dealer');
        const [x, y] = boxes.network0.convertToPixel({ seriesIndex: at },
          boxes.network0.getOption().series[at].data[0].value);
        boxes.network0.getZr().handler.dispatch('mousemove',
          { zrX: x, zrY: y, preventDefault() {}, stopPropagation() {} });
        return asked.length;
        """
    )
    assert tips > 0


def test_the_visitor_beyond_the_cap_is_told(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from abm.page import session

    monkeypatch.setattr(session, "MOST_SESSIONS", 1)
    monkeypatch.setattr(session.Session, "_open", [])
    driver = visit()
    url, first = driver.current_url, driver.current_window_handle
    driver.switch_to.new_window("tab")
    try:
        driver.get(url)
        wait_for(driver, lambda d: "no room for another" in text_of(d, ".cm-error"), 60)
        second = driver.current_window_handle
        driver.switch_to.window(first)
        driver.get("about:blank")
        driver.switch_to.window(second)
        wait_for(driver, lambda d: not session.Session._open)
        click(driver, ".cm-error button")
        wait_for(driver, lambda d: day_of(d) == 0)
        driver.get("about:blank")
    finally:
        driver.close()
        driver.switch_to.window(first)


def test_hostile_names_are_text(visit: Any) -> None:
    driver = visit("hostile", day=3)
    assert driver.execute_script("return document.querySelectorAll('.cm img').length") == 0
    assert driver.title == "Collateral market"
    click(driver, ".cm-tab-participants")
    table = text_of(driver, ".market-participants")
    for name in HOSTILE:
        assert name in table
    # In the tips, too, which are written as HTML.
    tip = driver.execute_script(
        BOXES + "return page.tip(0, { row: 2, name: arguments[0] })", HOSTILE[1]
    )
    assert "<img" not in tip
    labels = driver.execute_script(
        BOXES
        + """
        return boxes.network0.getOption().series.filter(one => one.name === 'borrower')[0].data
          .map(item => item.label.formatter());
        """
    )
    assert HOSTILE[2] in labels
    assert "A very long n…" in labels
    assert HOSTILE[0] in labels


def test_all_parts_always_show_the_same_day(visit: Any) -> None:
    driver = visit()
    put(driver, ".cm-speed", "100")
    click(driver, ".market-play")
    mixed, seen = 0, set()
    for _ in range(40):
        shown = set(days_shown(driver))
        mixed += len(shown) > 1
        seen |= shown
    assert mixed == 0
    assert len(seen) > 5


def test_time_goes_back_and_is_played_again_without_simulating(
    visit: Any, crash: CollateralMarket
) -> None:
    driver = visit(day=18)
    words = text_of(driver, ".market-words")
    events = crash.events_frame()
    defaults = events[events["event"] == "default"].groupby("day")["party"].agg(list)
    assert listed(sorted(defaults[18])) in words
    put(driver, ".market-time", "5")
    wait_for(driver, lambda d: day_of(d) == 5)
    assert set(days_shown(driver)) == {5}
    # Nobody can go where nothing is simulated yet.
    put(driver, ".market-time", "40")
    wait_for(driver, lambda d: day_of(d) == 18)
    assert text_of(driver, ".market-words") == words
    assert element(driver, ".market-time").get_attribute("value") == "18"
    flags = [f.get_attribute("title") for f in driver.find_elements("css selector", ".flag")]
    first = int(defaults.index[0])
    assert first <= 18
    assert f"day {first}: {len(defaults[first])} in default" in flags
    put(driver, ".market-time", "3")
    put(driver, ".cm-speed", "100")
    click(driver, ".market-play")
    wait_for(driver, lambda d: day_of(d) >= 19)
    click(driver, ".market-play")


def test_play_pause_and_keys(visit: Any) -> None:
    driver = visit()
    put(driver, ".cm-speed", "10")
    element(driver, ".cm").click()
    press(driver, " ")
    wait_for(driver, lambda d: day_of(d) >= 3)
    press(driver, " ")
    time.sleep(0.5)
    stopped = day_of(driver)
    time.sleep(1)
    assert day_of(driver) == stopped
    press(driver, "\ue012")
    wait_for(driver, lambda d: day_of(d) == stopped - 1)
    press(driver, "\ue011")
    wait_for(driver, lambda d: day_of(d) == 0)
    press(driver, "\ue010")
    wait_for(driver, lambda d: day_of(d) >= stopped)


def test_step_by_keyboard_keeps_the_focus(visit: Any) -> None:
    driver = visit()
    driver.execute_script("document.querySelector('.market-step').focus()")
    for day in (1, 2, 3):
        press(driver, "\ue007")
        wait_for(driver, lambda d, day=day: day_of(d) == day)
        assert "market-step" in driver.switch_to.active_element.get_attribute("class")
