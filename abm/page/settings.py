"""What a visitor has chosen, and the markets that it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abm.page.controls import (
    CONTROLS,
    PRICE_SOURCES,
    Control,
    loans_are_given,
    own_control,
    roles,
)
from scenarios.errors import InputError
from scenarios.network import Complete, CorePeriphery, RandomBipartite, ScaleFree
from scenarios.scenario import Scenario, bundled

if TYPE_CHECKING:
    from abm.model import CollateralMarket

FIRST_SCENARIO = "dealers-under-stress"
"""What the page begins with unless told."""

MOST_LOANS = 25_000
"""Larger markets are for the command line, where nobody waits for a picture."""


@dataclass(frozen=True)
class Settings:
    """A visitor's choices: plain data, not trusted before `Offer.markets` has checked it."""

    scenario: str = FIRST_SCENARIO
    seed: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    """By name of the control; what is not here is as in the scenario."""
    other: Mapping[str, Any] | None = None
    """Terms of a second market beside the first, which shares everything else with it."""

    @classmethod
    def of(cls, sent: Any, first: str) -> Settings:
        """Settings from what a browser sent; whatever is not of the form is refused.

        Raises:
            InputError: it is not of the form.
        """
        sent = sent if isinstance(sent, dict) else {}
        scenario, seed = sent.get("scenario") or first, sent.get("seed", 1)
        values, other = sent.get("values") or {}, sent.get("other")
        if not isinstance(scenario, str):
            raise InputError("scenario: must be a name")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise InputError(f"Seed: must be a whole number from 0 to {2**32 - 1}")
        if not isinstance(values, dict) or not isinstance(other, dict | None):
            raise InputError("settings: must be names and values")
        return cls(scenario, seed, values, other)


class Offer:
    """What a page lets its visitors choose, and shows beside its own parts."""

    def __init__(
        self,
        scenario: Scenario | str | Path | None = None,
        components: Sequence[Any] = (),
        params: Mapping[str, Any] | None = None,
    ):
        """Offer the bundled scenarios, and one to begin with.

        Args:
            scenario: a scenario, a scenario file, or the name of a bundled one.
            components: of one's own, as Mesa's `make_plot_component` makes them: a function of the
                market, or a pair of it and a page number.
            params: controls of one's own, by field of the scenario, as Mesa declares them.

        Raises:
            InputError: no such scenario, or parameters that are none.
        """
        self.own: dict[str, Scenario] = {}
        self.first = FIRST_SCENARIO
        if isinstance(scenario, str) and scenario in bundled():
            self.first = scenario
        elif scenario is not None:
            given = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
            self.first = given.name if given.name not in bundled() else f"{given.name} (own)"
            self.own[self.first] = given
        self.components = [part[0] if isinstance(part, tuple) else part for part in components]
        self.controls = {control.name: control for control in CONTROLS}
        for name, declared in (params or {}).items():
            found: Any = self.base(self.first)
            for key in name.split("."):
                if not hasattr(found, key):
                    raise InputError(f"params: a scenario has no field {name}")
                found = getattr(found, key)
            self.controls[name] = own_control(name, declared)

    def scenarios(self) -> list[tuple[str, str]]:
        """Names and titles, one's own first."""
        known = {name: Scenario.load(name).title or name for name in bundled()}
        own = [(name, scenario.title or name) for name, scenario in self.own.items()]
        return own + sorted(known.items(), key=lambda item: item[1])

    def base(self, name: str) -> Scenario:
        """A scenario that is on offer.

        Raises:
            InputError: it is not.
        """
        if name in self.own:
            return self.own[name]
        if name not in bundled():
            raise InputError(f"scenario: there is no scenario {name[:60]!r} on this page")
        return Scenario.load(bundled()[name])

    def scenarios_for(self, settings: Settings) -> list[Scenario]:
        """The scenario of each market.

        Raises:
            InputError: a setting is not on offer, or they do not fit together.
        """
        found = [self._changed(settings.scenario, settings.values)]
        if settings.other is not None:
            for name in settings.other:
                if self._control(name).shared:
                    raise InputError(f"{self._control(name).label}: both markets have it in common")
            common = {n: v for n, v in settings.values.items() if self._control(n).shared}
            found.append(self._changed(settings.scenario, {**common, **settings.other}))
        return found

    def markets(self, settings: Settings) -> list[CollateralMarket]:
        """The market, and the one beside it; both see the same prices and network.

        Raises:
            InputError: the settings make no market, or one too large for a page.
        """
        from abm.model import CollateralMarket

        scenarios = self.scenarios_for(settings)
        for scenario in scenarios:
            _refuse_large(scenario)
        return [CollateralMarket(it, rng=settings.seed, events=True) for it in scenarios]

    def titles(self, settings: Settings) -> list[str]:
        """What tells the markets apart, in words."""
        told = [settings.values] if settings.other is None else [settings.values, settings.other]
        return [self._title(values) for values in told]

    def shown(self, settings: Settings) -> list[dict[str, Any]]:
        """The controls as the page draws them: of each its values, one for each market, and what
        the scenario has.

        Raises:
            InputError: as `scenarios_for`.
        """
        base, scenarios = self.base(settings.scenario), self.scenarios_for(settings)
        told = []
        for control in self.controls.values():
            now = [control.of(scenario) for scenario in scenarios]
            if control.name == "prices":
                now = [settings.values.get("prices")] * len(scenarios)
            drawn = control.name in ("topology", "participants", "loans")
            counts = control.of(base) is None and control.name == "inventory"
            off = (drawn and loans_are_given(base)) or counts
            told.append({**asdict(control), "now": now, "own": control.of(base), "off": off})
        return told

    def _title(self, values: Mapping[str, Any]) -> str:
        parts = []
        for name, value in values.items():
            control = self._control(name)
            if control.shared:
                continue
            if control.name == "model":
                parts.append(f"Model {value}")
            else:
                text = f"{100 * value:.4g} %" if control.kind == "percent" else f"{value}"
                parts.append(f"{control.label} {text}")
        return ", ".join(parts) or "As in the scenario"

    def _control(self, name: Any) -> Control:
        if name not in self.controls:
            raise InputError(f"settings: there is no control {str(name)[:60]!r} on this page")
        return self.controls[name]

    def _changed(self, name: str, values: Mapping[str, Any]) -> Scenario:
        base = self.base(name)
        given = {name: self._control(name).check(value) for name, value in values.items()}
        drawn = [
            self.controls[n].label for n in ("topology", "participants", "loans") if n in given
        ]
        if drawn and loans_are_given(base):
            raise InputError(
                f"{', '.join(drawn)}: this scenario names its loans one by one;"
                " leave it as in the scenario"
            )
        changes: dict[str, Any] = {}
        if "model" in given:
            # Which replaces all terms that tell the models apart.
            changes["agreement.model"] = given["model"]
        own = self.controls["haircut"].of(base)
        if given.get("haircut", own) != own:  # a margin percentage stays what it is, exactly
            changes |= {"agreement.margin_percentage": None, "agreement.haircut": given["haircut"]}
        topology = given.get("topology", base.network.topology)
        if topology != base.network.topology:
            changes["network"] = {
                "topology": topology,
                "loans_per_edge": base.network.loans_per_edge,
            }
        if "loans" in given:
            # A scenario that says nothing of its network has the complete one.
            changes |= {"network.topology": topology, "network.loans_per_edge": given["loans"]}
        if {"participants", "topology"} & set(given):
            own = self.controls["participants"].of(base)
            changes |= roles(base, topology, given.get("participants", own))
        changes |= {
            self.controls[n].field: value for n, value in given.items() if self.controls[n].field
        }
        changed = base.with_changes(changes) if changes else base
        if "prices" in given:
            changed = changed.with_changes({"prices": _price_source(given["prices"], base)})
        return changed


def _price_source(choice: str, scenario: Scenario) -> dict[str, Any]:
    """One of `PRICE_SOURCES` for the tokens of a scenario, from its first prices on."""
    if choice == "crash":
        base = scenario.prices.model_dump(exclude_unset=True)
        return {"source": "shocks", "base": base, "shocks": [{"day": 10, "size": -0.2}]}
    import numpy as np

    from scenarios.prices.calendars import on_calendar

    window = scenario.window
    own = scenario.prices.panel(scenario.price_window, np.random.default_rng(1))
    panel = on_calendar(own, window.start, window.end, window.calendar)
    _, source, parameters = PRICE_SOURCES[choice]
    return {
        "source": source,
        "tokens": list(panel.tokens),
        "initial": panel.close[0].tolist(),
        "tick": scenario.money.unit,
        **parameters,
    }


def _refuse_large(scenario: Scenario) -> None:
    """Refuse what would have too many loans for a page, before it is built.

    The number of loans is that of the topology at its largest.
    """
    part, network = scenario.participants, scenario.network
    lenders, borrowers, dealers = part.lenders, part.borrowers, part.dealers
    match network:
        case Complete():
            pairs = (lenders + dealers) * (borrowers + dealers) - dealers**2
        case RandomBipartite() | ScaleFree():
            pairs = borrowers * min(network.lenders_per_borrower, lenders)
        case CorePeriphery():
            pairs = dealers * (dealers - 1) + lenders * network.dealers_per_lender
            pairs += borrowers * network.dealers_per_borrower
        case _:
            pairs = lenders + borrowers
    loans = len(scenario.loans) or pairs * network.loans_per_edge
    if scenario.book is not None:
        loans = scenario.book.loans
    if loans > MOST_LOANS:
        raise InputError(
            f"this network would have {loans:,} loans; the page shows {MOST_LOANS:,} at most."
            " Choose another network, or fewer participants or loans"
        )
