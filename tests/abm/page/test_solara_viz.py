"""The parts fit Mesa's SolaraViz, and Mesa's parts fit a market."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from abm.model import CollateralMarket
from scenarios.scenario import Scenario

solara = pytest.importorskip("solara", reason="the extra `app` is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Nothing of one rendering is left for the next."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def rendered(element: Any) -> Any:
    layout = solara.AppLayout(children=[element])
    _, context = solara.render(layout, handle_error=False)
    return context


def test_a_market_in_solara_viz_is_as_in_its_scenario_also_after_a_reset() -> None:
    from abm.page.component import MarketWidget
    from abm.page.solara_viz import visualise

    context = rendered(visualise("network-complete"))
    (widget,) = context.find(MarketWidget).widgets
    assert widget.embedded
    sent: list[Any] = []
    widget.tell = lambda message, buffers: sent.append(message)
    widget.asked({"do": "open"})
    assert [m["what"] for m in sent] == ["run", "day"]
    terms = Scenario.load("network-complete").agreement
    assert sent[0]["markets"][0]["trigger"] == terms.trigger
    sent.clear()
    import ipyvuetify

    def press(name: str) -> None:
        (button,) = [b for b in context.find(ipyvuetify.Btn).widgets if name in b.children]
        button.click()

    press("Step")
    assert [m["day"] for m in sent if m["what"] == "day"] == [1]
    sent.clear()
    press("Reset")
    (run,) = [m for m in sent if m["what"] == "run"]
    assert run["markets"][0]["trigger"] == terms.trigger
    assert [m["day"] for m in sent if m["what"] == "day"] == [0]
    context.close()


def test_mesas_own_components_draw_a_market() -> None:
    import ipywidgets
    from mesa.visualization import make_plot_component, make_space_component

    market = CollateralMarket("network-agent-lender", rng=1)
    for _ in range(3):
        market.step()
    plot, _ = make_plot_component({"coverage": "black"})
    for component in (plot, make_space_component()):
        context = rendered(component(market))
        (image,) = context.find(ipywidgets.Image).widgets
        assert bytes(image.value).startswith(b"\x89PNG")
        context.close()


def test_the_grid_holds_every_participant_once() -> None:
    market = CollateralMarket("network-agent-lender", rng=1)
    assert list(market.grid.agents) == list(market.participants.values())
    assert market.grid.G.number_of_edges() == len(
        market.loans_frame()[["lender", "borrower"]].drop_duplicates()
    )
