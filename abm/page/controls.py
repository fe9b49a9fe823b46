"""The controls that the page offers: what each changes in a scenario, and what the scenario has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from scenarios.errors import InputError
from scenarios.scenario import Scenario

MOST_PARTICIPANTS = 1_000
MOST_LOANS_PER_PAIR = 10

TOPOLOGIES = ("complete", "random-bipartite", "core-periphery", "scale-free", "agent-lender")
"""Networks that the page can draw. One from a file is not among them: no control names a path."""

MODEL_NAMES = {
    0: "0: today, settled a day later",
    1: "1: one token, every day",
    2: "2: several tokens, every day",
    3: "3: one token, threshold",
    4: "4: several tokens, threshold",
}
"""The models of the paper's Table 1 in a few words."""

_DAILY = {"volatility": 0.02, "correlation": 0.5}
_JUMPS = {"intensity": 0.05, "jump_mean": -0.08, "jump_volatility": 0.04, "jumps": "common"}
_WILD, _T = {**_DAILY, "volatility": 0.05}, {**_DAILY, "degrees_of_freedom": 3.5}
PRICE_SOURCES: Mapping[str, tuple[str, str, dict[str, Any]]] = MappingProxyType(
    {
        "calm": ("Geometric Brownian motion, 1 % a day", "gbm", {**_DAILY, "volatility": 0.01}),
        "gbm": ("Geometric Brownian motion, 2 % a day", "gbm", _DAILY),
        "turbulent": (
            "Geometric Brownian motion, 5 % a day",
            "gbm",
            {**_DAILY, "volatility": 0.05},
        ),
        "student_t": ("Fat tails (Student t), 2 % a day", "student_t", _T),
        "merton": ("Jumps of -8 %, every 20 days on average", "merton", {**_DAILY, **_JUMPS}),
        "crash": ("The scenario's own, and a fall by 20 % on day 10", "shocks", {}),
    }
)
"""Title, source and parameters of the prices that the page offers beside the scenario's own."""

Kind = Literal["percent", "number", "whole", "choice"]


@dataclass(frozen=True)
class Control:
    """Something that a visitor can set; not set, it is as in the scenario.

    A value is checked here, whatever a browser sends, and again by the scenario that it makes.
    """

    name: str
    label: str
    kind: Kind = "number"
    low: float = 0.0
    high: float = 0.0
    choices: tuple[tuple[Any, str], ...] = ()
    """Values and what the page calls them, of a choice."""
    field: str = ""
    """Field of the scenario, by its dotted name; empty if the page knows more of it."""
    shared: bool = False
    """Whether two markets side by side have it in common."""
    help: str = ""

    def check(self, value: Any) -> Any:
        """The value, if a visitor may choose it.

        Raises:
            InputError: it is none of the choices, or out of range.
        """
        if self.kind == "choice":
            known = [choice for choice, _ in self.choices]
            if not any(value == choice and type(value) is type(choice) for choice in known):
                raise InputError(f"{self.label}: must be one of {', '.join(map(str, known))}")
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.kind == "whole" and value == int(value):
            value = int(value)
        elif self.kind == "whole":
            number = False
        if not number or not self.low <= value <= self.high:
            what = "whole number" if self.kind == "whole" else "number"
            raise InputError(f"{self.label}: must be a {what} from {self.low:g} to {self.high:g}")
        return value

    def of(self, scenario: Scenario) -> Any:
        """What a scenario has here; none where it has nothing that the control could show."""
        agreement, part, network = scenario.agreement, scenario.participants, scenario.network
        match self.name:
            case "model":
                return agreement.model
            case "haircut":
                return float(1 - 1 / agreement.collateral_ratio)
            case "topology":
                return None if loans_are_given(scenario) else network.topology
            case "participants":
                return part.lenders + part.borrowers + part.dealers or None
            case "loans":
                return None if loans_are_given(scenario) else network.loans_per_edge
            case "prices":
                return None
            case "inventory" if part.total_assets is not None:
                return None  # they say what is in the wallets
        found: Any = scenario
        for key in self.field.split("."):
            found = getattr(found, key, None)
        return found if self.kind == "choice" or isinstance(found, int | float) else None


CONTROLS = (
    Control("model", "Model", "choice", choices=tuple(MODEL_NAMES.items())),
    Control("haircut", "Haircut", "percent", 0, 0.9),
    Control("trigger", "Threshold (β)", "percent", 0, 0.9, field="agreement.trigger"),
    Control(
        "inventory",
        "Prefunded inventory",
        "percent",
        0,
        10,
        field="participants.prefunded_inventory",
        help="Of the collateral posted at the start",
    ),
    Control(
        "topology", "Network", "choice", choices=tuple((t, t) for t in TOPOLOGIES), shared=True
    ),
    Control("participants", "Participants", "whole", 2, MOST_PARTICIPANTS, shared=True),
    Control("loans", "Loans per pair", "whole", 1, MOST_LOANS_PER_PAIR, shared=True),
    Control(
        "prices",
        "Prices",
        "choice",
        choices=tuple((name, title) for name, (title, *_) in PRICE_SOURCES.items()),
        shared=True,
    ),
)
"""The page's own controls, in its order."""


def own_control(field: str, given: Any) -> Control:
    """A control for a field of the scenario, declared as Mesa declares a model's parameter.

    Args:
        field: dotted name of the field, as `agreement.grace_days`.
        given: a `Slider` of Mesa's, or a dictionary with `label` and `min` and `max`, or `values`.

    Raises:
        InputError: it is neither.
    """
    told = dict(given) if isinstance(given, Mapping) else vars(given)
    label = str(told.get("label") or field)
    if told.get("values"):
        values = tuple((value, str(value)) for value in told["values"])
        return Control(field, label, "choice", choices=values, field=field)
    if told.get("min") is None or told.get("max") is None:
        raise InputError(f"params: {field}: needs min and max, or values")
    numbers = told["min"], told["max"], told.get("step", 1)
    kind: Kind = "whole" if all(isinstance(number, int) for number in numbers) else "number"
    return Control(field, label, kind, float(numbers[0]), float(numbers[1]), field=field)


def loans_are_given(scenario: Scenario) -> bool:
    """Whether a scenario names its loans one by one, so that no network can be drawn for it."""
    return scenario.loan is None or scenario.network.topology == "file"


def roles(scenario: Scenario, topology: str, total: int) -> dict[str, int]:
    """Numbers of lenders, borrowers and dealers among so many, for a topology.

    As the scenario divides them where its topology stays; else three tenths lend, and a tenth deals
    where there is a core.
    """
    part = scenario.participants
    own = part.lenders + part.borrowers + part.dealers
    dealers = {"agent-lender": 1, "core-periphery": max(1, total // 10)}.get(topology, 0)
    lenders = max(1, round((total - dealers) * 0.3))
    if topology == scenario.network.topology and own:
        dealers = part.dealers if topology == "agent-lender" else round(total * part.dealers / own)
        dealers = max(dealers, min(part.dealers, 1))
        lenders = max(round(total * part.lenders / own), min(part.lenders, 1))
    return {
        "participants.lenders": lenders,
        "participants.borrowers": max(1, total - dealers - lenders),
        "participants.dealers": dealers,
    }
