"""The page's components for Mesa's own SolaraViz, in a notebook or an app of one's own.

The page itself does without SolaraViz's controller, which runs a step within the click that asks
for it, says nothing of an error there, and takes new parameters at the next reset only.
"""

from __future__ import annotations

from typing import Any

import solara
from mesa.visualization import Slider, SolaraViz
from mesa.visualization.utils import update_counter

from abm.model import CollateralMarket
from abm.page.page_names import FIRST_SCENARIO
from abm.page.panels import ChartsPanel, EventsPanel, NetworkPanel
from abm.page.settings import Settings
from abm.page.view import DayView, Watch
from scenarios.agreement import MODELS
from scenarios.scenario import bundled


def _use_view(market: CollateralMarket) -> DayView:
    """The market's present day; looked at once."""
    update_counter.get()
    watch = solara.use_memo(lambda: Watch(market), [market])
    view: DayView = solara.use_memo(watch.look, [watch, market.day])
    return view


@solara.component
def Network(market: CollateralMarket) -> None:  # noqa: N802
    """The lending network of a market."""
    NetworkPanel(_use_view(market))


@solara.component
def Charts(market: CollateralMarket) -> None:  # noqa: N802
    """The charts of a market."""
    ChartsPanel([_use_view(market)])


@solara.component
def Events(market: CollateralMarket) -> None:  # noqa: N802
    """The events of a market's day; it must record them."""
    EventsPanel(_use_view(market))


COMPONENTS = [(Network, 0), (Charts, 0), (Events, 0)]
"""What `SolaraViz(market, components=COMPONENTS)` takes."""


class SteeredMarket(CollateralMarket):
    """A market with the few parameters that SolaraViz's controls are to have.

    SolaraViz accepts no model with parameters of open names, such as `CollateralMarket` has.
    """

    def __init__(
        self,
        scenario: str = FIRST_SCENARIO,
        *,
        rng: int = 1,
        model: int | None = None,
        haircut: float | None = None,
    ):
        """Build the market of a bundled scenario under one of the paper's models."""
        settings = Settings(scenario, model=model, haircut=haircut)
        super().__init__(settings.scenario_for(model), rng=rng, events=True)


def visualise(scenario: str = FIRST_SCENARIO) -> Any:
    """Mesa's SolaraViz of a bundled scenario with these components."""
    return SolaraViz(
        SteeredMarket(scenario),
        components=COMPONENTS,
        model_params={
            "scenario": {
                "type": "Select",
                "value": scenario,
                "values": list(bundled()),
                "label": "Scenario",
            },
            "model": {"type": "Select", "value": 4, "values": list(MODELS), "label": "Model"},
            "haircut": Slider("Haircut", 0.05, 0.0, 0.5, 0.01),
            "rng": Slider("Seed", 1, 0, 1000),
        },
        name="Collateral market",
    )
