"""The network and charts of a market in Mesa's own SolaraViz, in a notebook or an app."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import solara
from mesa.visualization import Slider, SolaraViz
from mesa.visualization.utils import update_counter

from abm.model import CollateralMarket
from abm.page.component import MarketWidget
from abm.page.controls import MODEL_NAMES
from abm.page.settings import FIRST_SCENARIO
from abm.page.watch import Watch, opening
from scenarios.scenario import Scenario

AS_IT_IS = "as in the scenario"


class WatchedMarket(CollateralMarket):
    """A market that keeps what can be seen of each of its days.

    With parameters of fixed names only: SolaraViz accepts no model with others, such as
    `CollateralMarket` has.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path = FIRST_SCENARIO,
        *,
        rng: int = 1,
        model: str = AS_IT_IS,
    ):
        """Build a market under its own terms, or those of one of the paper's models."""
        super().__init__(scenario, rng=rng, events=True, **_terms(model))
        watch = Watch(self)
        self.run_message: dict[str, Any] = {
            "what": "run",
            "settings": {"scenario": self.scenario.name, "seed": rng, "values": {}, "other": None},
            "controls": [],
            "scenarios": [],
            **opening([watch]),
        }
        self.watch = watch
        self.seen = [watch.look()]

    def step(self) -> None:
        """One day, looked at."""
        running = self.running
        super().step()
        if running:
            self.seen.append(self.watch.look())


def _terms(model: str) -> dict[str, Any]:
    if model == AS_IT_IS:
        return {}
    number = next(number for number, name in MODEL_NAMES.items() if name == model)
    return {"agreement.model": number}


@solara.component
def Market(market: WatchedMarket) -> None:  # noqa: N802
    """The network, charts, time line and tables of a market that SolaraViz steps."""
    update_counter.get()
    sent = solara.use_ref(0)
    widget = solara.use_ref(None)

    def days() -> None:
        for day in range(sent.current, len(market.seen)):
            message = {"what": "day", "run": id(market), "day": day, "markets": [market.seen[day]]}
            widget.current.tell(message, [])
        sent.current = len(market.seen)

    def asked(message: Any) -> None:
        if message.get("do") == "open":
            sent.current = 0
            widget.current.tell({**market.run_message, "run": id(market)}, [])
            days()
        elif message.get("do") == "inspect" and 0 <= message["day"] < len(market.seen):
            told = market.watch.inspect(message["day"], message["row"])
            told = {"what": "inspected", "run": id(market), **told, "markets": [told]}
            widget.current.tell(told, [])

    element = MarketWidget.element(embedded=True, asked=asked)

    def show() -> None:
        fresh = widget.current is None
        widget.current = solara.get_widget(element)
        if not fresh:
            days()

    def another() -> None:
        if widget.current is not None and sent.current:
            asked({"do": "open"})

    solara.use_effect(show, [market, len(market.seen)])
    solara.use_effect(another, [market])


def visualise(
    scenario: Scenario | str | Path = FIRST_SCENARIO, components: Sequence[Any] = ((Market, 0),)
) -> Any:
    """Mesa's SolaraViz of a scenario, whose Reset builds the same market again.

    Args:
        scenario: a scenario, a scenario file, or the name of a bundled one.
        components: as SolaraViz takes them.
    """
    return SolaraViz(
        WatchedMarket(scenario),
        components=list(components),
        model_params={
            "scenario": scenario,
            "model": {
                "type": "Select",
                "value": AS_IT_IS,
                "values": [AS_IT_IS, *MODEL_NAMES.values()],
                "label": "Model",
            },
            "rng": Slider("Seed", 1, 0, 1000),
        },
        name="Collateral market",
    )
