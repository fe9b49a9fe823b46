"""The page that `collateral serve` opens."""

from __future__ import annotations

import os

import solara
from solara.alias import rv

from abm.page.controls import Downloads, SettingsPanel, Transport
from abm.page.page_names import FIRST_SCENARIO, SCENARIO_VARIABLE
from abm.page.panels import ChartsPanel, EventsPanel, NetworkPanel, ParticipantPanel
from abm.page.session import Session
from abm.page.settings import Settings
from abm.page.view import DayView
from scenarios.scenario import bundled

STYLE = """
.market-note { color: #6b7280; font-size: 13px; }
.market-head { font-weight: 600; margin-top: 10px; }
.market-table td, .market-table th { font-size: 13px !important; }
.market-table td { font-variant-numeric: tabular-nums; white-space: nowrap; }
.market-sidebar { padding: 18px 4px 24px 4px; }
.market-sidebar .market-note { margin-top: 8px; }
.market-transport { row-gap: 14px !important; }
.market-choice { margin-bottom: 10px; }
.market-transport .market-sidebar { padding: 18px 4px 24px 4px; }
.market-sidebar .market-note { margin-top: 8px; }
.market-transport { row-gap: 14px !important; }
.market-choice { margin: 10px 0 0 8px; }
.market-error { white-space: pre-wrap; }
.market-day { font-size: 17px; font-weight: 600; }
.market-columns {
  display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(430px, 100%), 1fr));
}
.market-columns > * { min-width: 0; }
"""


def first_settings() -> Settings:
    """What a new page begins with."""
    known = bundled()
    wanted = os.environ.get(SCENARIO_VARIABLE, FIRST_SCENARIO)
    return Settings(wanted if wanted in known else next(iter(known)))


@solara.component
def Page() -> None:  # noqa: N802
    """The whole page, for one browser session."""
    session = solara.use_memo(lambda: Session(first_settings()), [])

    def open_and_close() -> object:
        session.reset()
        return session.close

    solara.use_effect(open_and_close, [])
    solara.Title("Collateral market")
    solara.Style(STYLE)
    with solara.Sidebar(), solara.Column(gap="2px", classes=["market-sidebar"]):
        SettingsPanel(session)
        Downloads(session)
    Main(session)


@solara.component
def Main(session: Session) -> None:  # noqa: N802
    """Everything beside the settings."""
    views = session.views.value
    with solara.Column(gap="12px", style={"padding": "4px 16px 40px 16px"}):
        Transport(session)
        if session.error.value:
            solara.Error(session.error.value, classes=["market-error"])
        if not views:
            solara.Text("Building the market …" if session.working.value else "No market to show.")
            return
        DayLine(views[0], session)
        with solara.Div(classes=["market-columns"]):
            for view in views:
                with solara.Column(gap="2px"):
                    if len(views) > 1:
                        solara.Text(view.title, classes=["market-head"])
                    NetworkPanel(
                        view, session.layout.value, session.participant.value, session.select
                    )
        ChartsPanel(views)
        names = list(views[0].graph.names)
        rv.Autocomplete(
            label="Participant",
            items=names,
            v_model=session.participant.value,
            on_v_model=session.select,
            clearable=True,
            dense=True,
            hide_details=True,
            style_="max-width: 300px",
            class_="market-participant",
        )
        for view in views:
            with solara.Div(classes=["market-columns"]):
                with solara.Column(gap="2px", classes=["market-events"]):
                    solara.Text(_of("Events of the day", view, views), classes=["market-head"])
                    EventsPanel(view, session.participant.value)
                with solara.Column(gap="2px", classes=["market-one"]):
                    solara.Text(_of("Participant", view, views), classes=["market-head"])
                    ParticipantPanel(view, session.participant.value)


@solara.component
def DayLine(view: DayView, session: Session) -> None:  # noqa: N802
    """Which day it is, and how much of the window is over."""
    ended = "" if view.running else ", the end of the window"
    graph = view.graph
    simulated, drawn = session.seconds
    took = f" Simulated in {1e3 * simulated:.0f} ms" if simulated else ""
    took += f", the last day drawn in {1e3 * drawn:.0f} ms." if drawn else ""
    with solara.Row(gap="16px", style={"align-items": "baseline", "flex-wrap": "wrap"}):
        solara.Text(
            f"Day {view.day} of {view.last_day}, {view.date:%A %d %B %Y}{ended}",
            classes=["market-day"],
        )
        loans = int(view.loans_of_account.sum())
        solara.Text(
            f"{len(graph.names):,} participants, {loans:,} open loans in {len(graph.lender):,}"
            f" pairs.{took}",
            classes=["market-note"],
        )
    rv.ProgressLinear(value=100 * view.day / max(view.last_day, 1), height=3)


def _of(what: str, view: DayView, views: tuple[DayView, ...]) -> str:
    return f"{what}: {view.title}" if len(views) > 1 else what
