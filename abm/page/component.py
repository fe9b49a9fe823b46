"""The page as a component of Solara: one widget that draws everything in the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipyvue
import solara
import traitlets
from ipywidgets import widget_serialization

from abm.page.session import Session
from abm.page.settings import Offer
from analysis import marks
from scenarios.scenario import Scenario

FRONT = Path(__file__).parent / "front"

MARKS = {
    "roles": dict(marks.ROLES),
    "states": dict(marks.STATES),
    "coverage": [marks.COVERAGE, marks.COVERAGE_DARK],
    "series": [marks.SERIES, marks.SERIES_DARK],
}


def _template() -> str:
    """The component in Vue's form, put together from its files."""
    html, style = ((FRONT / name).read_text("utf-8") for name in ("page.html", "style.css"))
    scripts = [
        (FRONT / f"{name}.js").read_text("utf-8")
        for name in ("network", "charts", "tables", "page")
    ]
    return (
        f"<template>\n{html}</template>\n<script>\n{''.join(scripts)}</script>\n"
        f'<style id="collateral-page">\n{style}</style>\n'
    )


class MarketWidget(ipyvue.VueTemplate):
    """What the browser draws. Messages come in by `ask` and go out by `tell`."""

    template = traitlets.Unicode(_template()).tag(sync=True)
    marks = traitlets.Dict(MARKS).tag(sync=True)
    own: Any = traitlets.List(default_value=[]).tag(sync=True, **widget_serialization)
    embedded = traitlets.Bool(False).tag(sync=True)
    """Whether it stands in somebody else's page, which steers the market."""
    asked = traitlets.Any(None)
    """Takes what the browser sends."""

    def vue_ask(self, message: Any) -> None:
        """A message from the browser."""
        if self.asked is not None:
            self.asked(message)

    def tell(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        """Send a message to the browser."""
        self.send({"method": "receive", "args": [message]}, buffers or None)


@solara.component
def MarketPage(offer: Offer) -> None:  # noqa: N802
    """The whole page, for one browser session."""
    market, set_market = solara.use_state(None)
    outlet = solara.use_ref(None)

    def tell(message: dict[str, Any], buffers: list[bytes]) -> None:
        if outlet.current is not None:
            outlet.current.tell(message, buffers)

    def shown(newest: Any) -> None:
        if offer.components:
            # Importing it takes a second, and most pages have no component of their own.
            from mesa.visualization.utils import update_counter

            set_market(newest)
            update_counter.set(update_counter.peek() + 1)

    session = solara.use_memo(lambda: Session(offer, tell, shown), [])
    own = [component(market) for component in offer.components] if market is not None else []
    element = MarketWidget.element(own=own, asked=session.receive)

    def open_and_close() -> Callable[[], None]:
        outlet.current = solara.get_widget(element)
        return session.close

    solara.use_effect(open_and_close, [])
    solara.Title("Collateral market")


def market_page(
    scenario: Scenario | str | Path | None = None,
    components: Sequence[Any] = (),
    params: Mapping[str, Any] | None = None,
) -> Callable[[], Any]:
    """The page for an app of one's own, to be run by `solara run app.py`.

    In `app.py` say `Page = market_page(...)`.

    Args:
        scenario: a scenario, a scenario file, or the name of a bundled one, to begin with.
        components: of one's own, as `abm.page.settings.Offer` takes them.
        params: controls of one's own, likewise.

    Raises:
        InputError: no such scenario, or parameters that are none.
    """
    offer = Offer(scenario, components, params)

    @solara.component
    def Page() -> None:  # noqa: N802
        MarketPage(offer)

    return Page
