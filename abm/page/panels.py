"""The page's components: each shows views of a day, and knows nothing of the session.

They also fit Mesa's own SolaraViz: see `solara_viz`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import solara
from solara.alias import rv

from abm.page import images
from abm.page.chart_list import CHARTS
from abm.page.charts import Chart
from abm.page.gathering import gather
from abm.page.layouts import positions
from abm.page.network_figure import FRAME, MARGIN, WIDTH, NetworkFigure, node_areas
from abm.page.picture import Picture, hover_texts, picture
from abm.page.tables import EVENT_COLUMNS, Rows, event_rows, facts, loan_rows, wallet_rows
from abm.page.view import DayView


@solara.component_vue("network.vue")
def NetworkImage(  # noqa: N802
    image: str,
    description: str,
    spots: list[dict[str, Any]],
    chosen: str,
    event_select: Callable[[str], None],
) -> solara.Element:
    """An image with places that the pointer can ask."""


@solara.component_vue("charts.vue")
def ImageGrid(charts: list[dict[str, str]]) -> solara.Element:  # noqa: N802
    """Images in as many columns as there is room for."""


@solara.component
def NetworkPanel(  # noqa: N802
    view: DayView,
    layout: str = "core-periphery",
    participant: str | None = None,
    on_select: Callable[[str], None] | None = None,
) -> None:
    """The lending network of a day; hovering tells of a participant, clicking selects it."""
    drawn = solara.use_memo(lambda: gather(view.graph), [view.graph])
    place = solara.use_memo(lambda: positions(drawn, layout), [drawn, layout])

    figure = solara.use_memo(lambda: NetworkFigure(drawn, place), [place])

    def draw() -> tuple[str, list[dict[str, Any]], str]:
        day = picture(view, drawn, place)
        return images.data_url(figure.image(day)), _spots(view, day), day.words

    image, spots, words = solara.use_memo(draw, [view, figure])
    NetworkImage(
        image=image,
        description=f"Lending network of {view.title} on day {view.day}. {words}",
        spots=spots,
        chosen=participant or "",
        event_select=on_select or (lambda name: None),
    )
    solara.Text(words, classes=["market-note"])
    if drawn.note:
        solara.Text(drawn.note, classes=["market-note"])


def _spots(view: DayView, day: Picture) -> list[dict[str, Any]]:
    """Where the nodes stand in the image, in per cent of it, and what they tell."""
    left, bottom, width, height = FRAME
    x = 100 * (left + width * (day.place[:, 0] + MARGIN) / (2 * MARGIN))
    y = 100 * (1 - bottom - height * (day.place[:, 1] + MARGIN) / (2 * MARGIN))
    across = 100 * (np.sqrt(node_areas(day.drawn)) + 4) / (72 * WIDTH)
    return [
        {"x": round(a, 2), "y": round(b, 2), "r": round(r, 2), "name": name, "text": text}
        for a, b, r, name, text in zip(
            x.tolist(),
            y.tolist(),
            across.tolist(),
            day.drawn.names,
            hover_texts(view, day.drawn),
            strict=True,
        )
    ]


@solara.component
def ChartsPanel(views: Sequence[DayView]) -> None:  # noqa: N802
    """All charts of one or two markets."""
    graphs = [view.graph for view in views]
    charts = solara.use_memo(lambda: [Chart(spec, views) for spec in CHARTS], graphs)
    shown = solara.use_memo(
        lambda: [
            {"src": images.data_url(chart.image(views)), "alt": chart.spec.title}
            for chart in charts
        ],
        [charts, *views],
    )
    ImageGrid(charts=shown)


@solara.component
def EventsPanel(view: DayView, participant: str | None = None) -> None:  # noqa: N802
    """The events of a day, newest first."""
    rows, number = solara.use_memo(lambda: event_rows(view, participant), [view, participant])
    whom = f" of {participant}" if participant else ""
    what = f"{number:,} event{'' if number == 1 else 's'}{whom} on day {view.day}"
    if len(rows) < number:
        what += f", the {len(rows)} newest shown"
    solara.Text(what, classes=["market-note"])
    Table(EVENT_COLUMNS, rows, right=("quantity", "value"))


@solara.component
def ParticipantPanel(view: DayView, participant: str | None) -> None:  # noqa: N802
    """A participant's facts, wallet and loans."""
    if participant not in view.graph.names:
        solara.Text(
            "Choose a participant, or click one in the network, to see its wallet, loans and"
            " equity.",
            classes=["market-note"],
        )
        return
    row = view.graph.names.index(participant)
    with solara.Row(classes=["market-facts"], gap="20px", style={"flex-wrap": "wrap"}):
        for name, value in facts(view, row).items():
            with solara.Column(gap="0px"):
                solara.Text(name, classes=["market-note"])
                solara.Text(value)
    solara.Text("Wallet", classes=["market-head"])
    Table(("token", "quantity", "value"), wallet_rows(view, row), right=("quantity", "value"))
    loans, number = loan_rows(view, row)
    more = f", the {len(loans)} largest shown" if len(loans) < number else ""
    solara.Text(f"Open loans ({number:,}{more})", classes=["market-head"])
    columns = ("loan", "side", "counterparty", "exposure", "coverage", "matures", "state")
    Table(columns, loans, right=("exposure", "coverage"))


@solara.component
def Table(columns: Sequence[str], rows: Rows, right: Sequence[str] = ()) -> None:  # noqa: N802
    """A table in pages of ten rows; the browser turns the pages."""
    rv.DataTable(
        headers=[
            {
                "text": column,
                "value": column,
                "sortable": False,
                "align": "end" if column in right else "start",
            }
            for column in columns
        ],
        items=rows,
        dense=True,
        items_per_page=10,
        hide_default_footer=len(rows) <= 10,
        no_data_text="none",
        footer_props={"items-per-page-options": [10, 50]},
        class_="market-table",
    )
