"""The controls: what to simulate, and how to move in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import solara
from solara.alias import rv

from abm.page.layouts import LAYOUTS
from abm.page.session import SPEEDS, Session
from abm.page.settings import (
    MOST_LOANS_PER_PAIR,
    MOST_PARTICIPANTS,
    PRICE_SOURCES,
    TOPOLOGIES,
    haircut_of,
)
from abm.page.stage import Format
from scenarios.agreement import MODELS
from scenarios.errors import InputError
from scenarios.scenario import Scenario, bundled

FORMATS: Mapping[Format, str] = {"csv": "CSV", "parquet": "Parquet"}

AS_IT_IS = "as in the scenario"

MODEL_NAMES = {
    0: "0: today, settled a day later",
    1: "1: one token, every day",
    2: "2: several tokens, every day",
    3: "3: one token, threshold",
    4: "4: several tokens, threshold",
}
"""The models of the paper's Table 1 in a few words."""


@solara.component
def Choice(  # noqa: N802
    label: str,
    choices: Mapping[Any, str] | Sequence[str],
    value: Any,
    on_value: Callable[[Any], None],
    none: str = "",
    disabled: bool = False,
    style: str = "",
) -> None:
    """A choice from a list; with `none`, also of nothing under this name."""
    known = dict(choices) if isinstance(choices, Mapping) else {name: name for name in choices}
    items = [{"text": none, "value": ""}] if none else []
    items += [{"text": text, "value": key} for key, text in known.items()]

    def choose(chosen: Any) -> None:
        # What a browser sends may be anything, also what no dictionary can look up.
        if isinstance(chosen, str | int) and chosen in known:
            on_value(chosen)
        elif none and chosen in ("", None):
            on_value(None)

    rv.Select(
        label=label,
        items=items,
        v_model="" if value is None else value,
        on_v_model=choose,
        dense=True,
        disabled=disabled,
        hide_details=True,
        class_="market-choice",
        style_=style,
    )


@solara.component
def Percent(  # noqa: N802
    label: str, value: float, most: float, step: float, on_value: Callable[[float], None]
) -> None:
    """A fraction as a slider in per cent."""

    def choose(chosen: Any) -> None:
        if isinstance(chosen, int | float) and 0 <= chosen <= 100 * most:
            on_value(chosen / 100)

    solara.Text(f"{label}: {100 * value:g} %", classes=["market-note"])
    rv.Slider(
        v_model=100 * value,
        on_v_model=choose,
        min=0,
        max=100 * most,
        step=100 * step,
        dense=True,
        hide_details=True,
        class_="market-slider",
    )


@solara.component
def SettingsPanel(session: Session) -> None:  # noqa: N802
    """What to simulate. Every change starts anew."""
    settings = session.settings.value

    def means() -> Scenario | None:
        for model in (settings.model, None):
            try:
                return settings.scenario_for(model)
            except InputError:
                continue
        try:
            return settings.base
        except InputError:
            return None

    scenario = solara.use_memo(means, [settings])
    titles = solara.use_memo(_titles, [])
    change = session.change
    Choice("Scenario", titles, settings.scenario, session.choose_scenario)
    if scenario is None:
        return
    Choice("Model", MODEL_NAMES, settings.model, lambda m: change(model=m, trigger=None), AS_IT_IS)
    Choice("Compare with", MODEL_NAMES, settings.compare, lambda m: change(compare=m), "nothing")
    agreement, part = scenario.agreement, scenario.participants
    Percent("Haircut", round(haircut_of(agreement), 4), 0.5, 0.005, lambda v: change(haircut=v))
    Percent("Threshold (β)", round(agreement.trigger, 4), 0.2, 0.0025, lambda v: change(trigger=v))
    if settings.compare is not None and settings.trigger is not None:
        solara.Text("The threshold holds for both models.", classes=["market-note"])
    given = scenario.loan is None or scenario.network.topology == "file"
    Choice(
        "Topology",
        TOPOLOGIES,
        settings.topology,
        lambda t: change(topology=t),
        f"{AS_IT_IS}: " + ("given loans" if given else scenario.network.topology),
        disabled=given,
    )
    total = part.lenders + part.borrowers + part.dealers
    Choice(
        "Participants",
        {n: f"{n:,}" for n in (2, 10, 30, 100, 300, MOST_PARTICIPANTS)},
        settings.participants,
        lambda n: change(participants=n),
        AS_IT_IS
        if given
        else f"{AS_IT_IS}: {total:,}"
        if settings.participants is None
        else AS_IT_IS,
        disabled=given,
    )
    Choice(
        "Loans per pair",
        {n: str(n) for n in (1, 2, 5, MOST_LOANS_PER_PAIR)},
        settings.loans_per_pair,
        lambda n: change(loans_per_pair=n),
        AS_IT_IS,
        disabled=given,
    )
    inventory = part.prefunded_inventory
    if isinstance(inventory, dict):
        solara.Text("Inventory: counts, as in the scenario", classes=["market-note"])
    else:
        Percent(
            "Prefunded inventory, of the collateral",
            round(inventory, 4),
            0.5,
            0.01,
            lambda v: change(inventory=v),
        )
    Choice(
        "Prices",
        {name: title for name, (title, _) in PRICE_SOURCES.items()},
        settings.prices,
        lambda p: change(prices=p),
        AS_IT_IS,
    )
    solara.InputInt("Seed", settings.seed, lambda s: change(seed=s or 0), dense=True)


def _titles() -> dict[str, str]:
    """The bundled scenarios and what each shows."""
    titles = {}
    for name in bundled():
        try:
            titles[name] = Scenario.load(name).title or name
        except InputError:
            continue
    return dict(sorted(titles.items(), key=lambda item: item[1]))


@solara.component
def Transport(session: Session) -> None:  # noqa: N802
    """Step, play, pause, reset, speed and layout."""
    views = session.views.value
    playing, working = session.playing.value, session.working.value
    over = not views or not views[0].running or session.broken.value
    with solara.Row(
        classes=["market-transport"],
        gap="8px",
        style={"flex-wrap": "wrap", "align-items": "center"},
    ):
        solara.Button(
            "Reset",
            icon_name="mdi-restart",
            on_click=lambda: session.reset(),
            outlined=True,
            classes=["market-reset"],
        )
        solara.Button(
            "Step",
            icon_name="mdi-skip-next",
            on_click=session.step,
            disabled=playing or working or over,
            outlined=True,
            classes=["market-step"],
        )
        if playing:
            solara.Button(
                "Pause",
                icon_name="mdi-pause",
                on_click=session.pause,
                color="primary",
                classes=["market-pause"],
            )
        else:
            solara.Button(
                "Play",
                icon_name="mdi-play",
                on_click=session.play,
                color="primary",
                disabled=working or over,
                classes=["market-play"],
            )
        Choice(
            "Speed",
            list(SPEEDS),
            session.speed.value,
            session.choose_speed,
            style="max-width: 170px",
        )
        Choice(
            "Layout", LAYOUTS, session.layout.value, session.choose_layout, style="max-width: 230px"
        )


@solara.component
def Downloads(session: Session) -> None:  # noqa: N802
    """All tables of the run so far, in one archive."""
    solara.Text("All tables of the run so far", classes=["market-note"])
    with solara.Row(gap="8px"):
        for form, name in FORMATS.items():
            solara.FileDownload(
                partial(session.tables, form),
                filename=f"collateral-run-{form}.zip",
                label=name,
                mime_type="application/zip",
            )


assert set(MODEL_NAMES) == set(MODELS)
