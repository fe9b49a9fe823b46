"""What the page's controls say, and the market that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scenarios.agreement import MODELS, CollateralAgreement
from scenarios.errors import InputError
from scenarios.network import Complete, CorePeriphery, RandomBipartite, ScaleFree
from scenarios.scenario import Scenario, bundled

if TYPE_CHECKING:
    from abm.model import CollateralMarket

TOPOLOGIES = ("complete", "random-bipartite", "core-periphery", "scale-free", "agent-lender")
"""Networks that the page can draw. One from a file is not among them: no control names a path."""

MOST_PARTICIPANTS = 1_000
MOST_LOANS_PER_PAIR = 10
MOST_LOANS = 25_000
"""Larger markets are for the command line, where nobody waits for a picture."""

_DAILY = {"volatility": 0.02, "correlation": 0.5}
PRICE_SOURCES: Mapping[str, tuple[str, dict[str, Any]]] = MappingProxyType(
    {
        "calm": ("Geometric Brownian motion, 1 % a day", {**_DAILY, "volatility": 0.01}),
        "gbm": ("Geometric Brownian motion, 2 % a day", _DAILY),
        "turbulent": ("Geometric Brownian motion, 5 % a day", {**_DAILY, "volatility": 0.05}),
        "student_t": ("Fat tails (Student t), 2 % a day", {**_DAILY, "degrees_of_freedom": 3.5}),
        "merton": (
            "Common jumps of -8 % on average, every 20 days",
            {
                **_DAILY,
                "intensity": 0.05,
                "jump_mean": -0.08,
                "jump_volatility": 0.04,
                "jumps": "common",
            },
        ),
        "crash": ("The scenario's own, and a fall by 20 % on day 10", {}),
    }
)
"""Title and parameters of the price sources that the page offers beside the scenario's own."""

_GBM = ("calm", "gbm", "turbulent")


@dataclass(frozen=True)
class Settings:
    """The controls. `None` leaves a thing as the scenario has it.

    Nothing here is trusted: a browser can send what it likes, and `market` checks all of it.
    """

    scenario: str
    model: int | None = None
    """The paper's model 0 to 4."""
    compare: int | None = None
    """A second model, shown beside the first on the same paths."""
    haircut: float | None = None
    trigger: float | None = None
    topology: str | None = None
    participants: int | None = None
    loans_per_pair: int | None = None
    inventory: float | None = None
    """Prefunded inventory as a fraction of what is posted at the start."""
    prices: str | None = None
    """One of `PRICE_SOURCES`."""
    seed: int = 1

    @property
    def base(self) -> Scenario:
        """The bundled scenario that the settings start from.

        Raises:
            InputError: it is not a bundled one.
        """
        known = bundled()
        if self.scenario not in known:
            raise InputError(f"scenario: there is no bundled scenario {str(self.scenario)[:60]!r}")
        return Scenario.load(known[self.scenario])

    def changes(self, model: int | None) -> dict[str, Any]:
        """Fields of the scenario that the settings replace, for one of the models.

        Raises:
            InputError: a setting is none of the choices, or out of range.
        """
        scenario = self.base
        self._check(scenario)
        changes: dict[str, Any] = {}
        if model is not None:
            changes |= {f"agreement.{term}": value for term, value in terms_of_model(model).items()}
            changes["agreement.model"] = model
        if self.haircut is not None:
            changes["agreement.margin_percentage"] = None
            changes["agreement.haircut"] = round(float(self.haircut), 6)
        if self.trigger is not None:
            changes["agreement.trigger"] = round(float(self.trigger), 6)
        if self.topology is not None:
            changes["network"] = {
                "topology": self.topology,
                "loans_per_edge": scenario.network.loans_per_edge,
            }
        if self.loans_per_pair is not None:
            changes["network.loans_per_edge"] = int(self.loans_per_pair)
        if self.participants is not None or self.topology is not None:
            changes |= self._roles(scenario)
        if self.inventory is not None:
            changes["participants.prefunded_inventory"] = float(self.inventory)
        return changes

    def scenario_for(self, model: int | None) -> Scenario:
        """The scenario with all settings in it.

        Raises:
            InputError: as `changes` does, or they do not fit together.
        """
        changed = self.base.with_changes(self.changes(model))
        if self.prices is None:
            return changed
        return changed.with_changes({"prices": _price_source(self.prices, self.base)})

    def markets(self) -> list[CollateralMarket]:
        """The market, and the one to compare it with; both see the same prices and network.

        Raises:
            InputError: the settings make no market, or one too large for a page.
        """
        from abm.model import CollateralMarket

        chosen = [self.model] if self.compare is None else [self.model, self.compare]
        built = []
        for model in chosen:
            scenario = self.scenario_for(model)
            _refuse_large(scenario)
            built.append(CollateralMarket(scenario, rng=int(self.seed), events=True))
        return built

    def titles(self) -> list[str]:
        """A name for each market."""
        chosen = [self.model] if self.compare is None else [self.model, self.compare]
        return ["As in the scenario" if m is None else f"Model {m}" for m in chosen]

    def _roles(self, scenario: Scenario) -> dict[str, int]:
        """Numbers of lenders, borrowers and dealers for the chosen total and topology."""
        part = scenario.participants
        total = self.participants or part.lenders + part.borrowers + part.dealers
        topology = self.topology or scenario.network.topology
        dealers = 0
        if topology == "agent-lender":
            dealers = 1
        elif topology == "core-periphery":
            dealers = max(1, total // 10)
        lenders = max(1, round((total - dealers) * 0.3))
        return {
            "participants.lenders": lenders,
            "participants.borrowers": max(1, total - dealers - lenders),
            "participants.dealers": dealers,
        }

    def _check(self, scenario: Scenario) -> None:
        _within("haircut", self.haircut, 0, 0.9)
        _within("threshold", self.trigger, 0, 0.9)
        _within("inventory", self.inventory, 0, 10)
        _within("participants", self.participants, 2, MOST_PARTICIPANTS)
        _within("loans per pair", self.loans_per_pair, 1, MOST_LOANS_PER_PAIR)
        _within("seed", self.seed, 0, 2**32 - 1)
        _among("topology", self.topology, TOPOLOGIES)
        _among("price source", self.prices, PRICE_SOURCES)
        for field in (self.model, self.compare):
            _among("model", field, MODELS)
        given = scenario.loan is None or scenario.network.topology == "file"
        drawn = (self.topology, self.participants, self.loans_per_pair)
        if given and any(setting is not None for setting in drawn):
            raise InputError(
                "topology, participants and loans per pair: this scenario names its loans one by"
                " one; leave them as in the scenario"
            )


def terms_of_model(model: int) -> dict[str, Any]:
    """All terms that tell the paper's models apart, as this one has them."""
    _among("model", model, MODELS)
    told_apart = {term for terms in MODELS.values() for term in terms}
    defaults = {term: CollateralAgreement.model_fields[term].default for term in told_apart}
    return {**defaults, **MODELS[model]}


def haircut_of(agreement: CollateralAgreement) -> float:
    """The haircut of an agreement, also if it is written as a margin percentage."""
    return float(1 - 1 / agreement.collateral_ratio)


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
    return {
        "source": "gbm" if choice in _GBM else choice,
        "tokens": list(panel.tokens),
        "initial": panel.close[0].tolist(),
        "tick": scenario.money.unit,
        **PRICE_SOURCES[choice][1],
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
    if loans > MOST_LOANS:
        raise InputError(
            f"this network would have {loans:,} loans; the page shows {MOST_LOANS:,} at most."
            " Choose another topology, or fewer participants or loans"
        )


def _within(name: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{name}: must be a number from {low:g} to {high:g}")


def _among(name: str, value: Any, choices: Any) -> None:
    known = list(choices)
    if value is not None and value not in known:
        raise InputError(f"{name}: must be one of {', '.join(str(choice) for choice in known)}")
