# ruff: noqa: E402
"""Every component renders without a browser, in every state of a market."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

solara = pytest.importorskip("solara", reason="the extra `app` is not installed")

import ipyvuetify as v
from ipywidgets import Widget

from abm.page.controls import Downloads, SettingsPanel, Transport
from abm.page.layouts import LAYOUTS
from abm.page.page import Main, Page, first_settings
from abm.page.page_names import FIRST_SCENARIO, SCENARIO_VARIABLE
from abm.page.panels import ChartsPanel, EventsPanel, NetworkPanel, ParticipantPanel, Table
from abm.page.session import Session
from abm.page.settings import Settings
from abm.page.view import DayView


def inside(widget: Any) -> Iterator[Any]:
    """A widget and all that are in it."""
    yield widget
    slots = [slot.get("children") for slot in getattr(widget, "v_slots", None) or []]
    held = [getattr(widget, name, None) for name in ("children", "items")]
    for part in (*held, *slots):
        for child in part if isinstance(part, list | tuple) else [part]:
            if isinstance(child, Widget):
                yield from inside(child)


class Shown:
    """A rendered component and the widgets in it."""

    def __init__(self, element: Any):
        self.box, self.context = solara.render(element, handle_error=False)

    @property
    def widgets(self) -> list[Any]:
        """All widgets that are in it now."""
        return list(inside(self.box))

    def find(self, kind: type, **traits: Any) -> list[Any]:
        """Widgets of a kind with these traits."""
        found = [widget for widget in self.widgets if isinstance(widget, kind)]
        return [w for w in found if all(getattr(w, k) == value for k, value in traits.items())]

    def named(self, prop: str) -> list[Any]:
        """Widgets that have a property."""
        return [widget for widget in self.widgets if hasattr(widget, prop)]

    @property
    def text(self) -> str:
        """All texts in it."""
        return " ".join(
            child
            for widget in self.widgets
            for child in getattr(widget, "children", None) or ()
            if isinstance(child, str)
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_network_panel(any_view: DayView, layout: str) -> None:
    shown = Shown(NetworkPanel(any_view, layout))
    (image,) = shown.named("spots")
    assert image.image.startswith("data:image/png;base64,")
    assert [spot["name"] for spot in image.spots] == list(any_view.graph.names)
    assert all(0 <= spot["x"] <= 100 and 0 <= spot["y"] <= 100 for spot in image.spots)
    assert f"day {any_view.day}" in image.description
    assert "Today: deliveries on" in shown.text


def test_a_click_in_the_network_selects(pair: DayView) -> None:
    chosen: list[str] = []
    (image,) = Shown(NetworkPanel(pair, on_select=chosen.append)).named("spots")
    image.vue_event_select("B1")
    assert chosen == ["B1"]


def test_charts_panel(any_view: DayView) -> None:
    (grid,) = Shown(ChartsPanel([any_view])).named("charts")
    assert len({chart["src"] for chart in grid.charts}) == len(grid.charts) == 9


def test_charts_panel_of_two(any_view: DayView) -> None:
    (grid,) = Shown(ChartsPanel([any_view, any_view])).named("charts")
    assert len(grid.charts) == 9


def test_events_panel(any_view: DayView) -> None:
    shown = Shown(EventsPanel(any_view))
    (table,) = shown.find(v.DataTable)
    assert len(table.items) == min(len(any_view.events), 300)
    assert f"{len(any_view.events):,} event" in shown.text


def test_events_panel_of_one_participant(pair: DayView) -> None:
    assert "of L1 on day" in Shown(EventsPanel(pair, "L1")).text


@pytest.mark.parametrize("participant", ["L1", "B1", None, "nobody"])
def test_participant_panel(any_view: DayView, participant: str | None) -> None:
    shown = Shown(ParticipantPanel(any_view, participant))
    if participant in any_view.graph.names:
        assert len(shown.find(v.DataTable)) == 2
        assert "Equity" in shown.text
    else:
        assert "Choose a participant" in shown.text


def test_an_empty_table_says_so() -> None:
    (table,) = Shown(Table(("a",), [])).find(v.DataTable)
    assert table.no_data_text == "none"


def settled(session: Session) -> Session:
    """Wait for the session's market."""
    deadline = time.monotonic() + 30
    while session.working.value:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return session


def new_session(**settings: Any) -> Session:
    session = Session(Settings("prices-file", **settings))
    session.reset()
    return settled(session)


def test_controls_have_everything_that_can_be_steered() -> None:
    session = new_session()
    shown = Shown(SettingsPanel(session))
    labels = {select.label for select in shown.find(v.Select)}
    assert labels == {
        "Scenario",
        "Model",
        "Compare with",
        "Topology",
        "Participants",
        "Loans per pair",
        "Prices",
    }
    assert len(shown.find(v.Slider)) == 3
    assert any(field.label == "Seed" for field in shown.find(v.TextField))


def test_choosing_a_model_starts_anew_with_it() -> None:
    session = new_session()
    shown = Shown(SettingsPanel(session))
    (model,) = shown.find(v.Select, label="Model")
    model.v_model = 4
    settled(session)
    assert session.views.value[0].title == "Model 4"
    assert session.views.value[0].trigger == 0.02


@pytest.mark.parametrize("sent", ["/etc/passwd", 99, {"source": "file"}])
def test_what_is_not_in_a_list_changes_nothing(sent: Any) -> None:
    session = new_session()
    before = session.settings.value
    shown = Shown(SettingsPanel(session))
    for label in ("Scenario", "Model", "Topology", "Prices"):
        (select,) = shown.find(v.Select, label=label)
        select.v_model = sent
    assert session.settings.value == before


def test_buttons_step_and_reset() -> None:
    session = new_session()
    shown = Shown(Transport(session))
    buttons = {str(button.children[-1]): button for button in shown.find(v.Btn)}
    buttons["Step"].click()
    settled(session)
    assert session.views.value[0].day == 1
    buttons["Reset"].click()
    settled(session)
    assert session.views.value[0].day == 0


def test_downloads_offer_both_formats() -> None:
    shown = Shown(Downloads(new_session()))
    assert {w.filename for w in shown.named("request_download")} == {
        "collateral-run-csv.zip",
        "collateral-run-parquet.zip",
    }


def test_an_error_is_on_the_page() -> None:
    session = new_session(topology="complete", participants=1000)
    shown = Shown(Main(session))
    assert "No market to show." in shown.text
    assert any("at most" in str(alert.children) for alert in shown.find(v.Alert))


def test_the_whole_page_renders() -> None:
    shown = Shown(solara.AppLayout(children=[Page()]))
    deadline = time.monotonic() + 30
    while not shown.named("spots"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "Day 0 of" in shown.text
    shown.context.close()


def test_the_page_begins_with_what_the_command_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_settings().scenario == FIRST_SCENARIO
    monkeypatch.setenv(SCENARIO_VARIABLE, "prices-gbm")
    assert first_settings().scenario == "prices-gbm"
    monkeypatch.setenv(SCENARIO_VARIABLE, "/etc/passwd")
    assert first_settings().scenario != "/etc/passwd"


@pytest.mark.filterwarnings("ignore:.*ComponentsView:UserWarning")
def test_components_fit_mesas_own_page() -> None:
    from abm.page.solara_viz import visualise

    shown = Shown(solara.AppLayout(children=[visualise("prices-file")]))
    (step,) = [button for button in shown.find(v.Btn) if "Step" in button.children]
    step.click()
    (image,) = shown.named("spots")
    assert "day 1." in image.description
    (reset,) = [button for button in shown.find(v.Btn) if "Reset" in button.children]
    reset.click()
    (image,) = shown.named("spots")
    assert "day 0." in image.description
