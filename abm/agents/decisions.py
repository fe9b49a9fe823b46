"""Decisions: the questions that participants are asked, and who answers them for itself.

Each has a default, which the compiled passes take for everybody who does not answer, and two ways
of being answered: by a method of one agent, or by a class method that decides for all members of
the class at once, in columns. `docs/extending.md` has an example of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scenarios.errors import InputError, nearest

if TYPE_CHECKING:
    from abm.agents.participant import Participant

IN_COLUMNS = "_in_columns"
"""What the name of the class method has beyond that of the agent's."""


class Decision(NamedTuple):
    """A question to participants, by the name of the method that answers it."""

    name: str
    role: str
    """Who is asked: `lender` or `borrower`, of which a dealer is both, or any `participant`."""
    question: str


DECISIONS = (
    Decision("meet_call", "borrower", "Whether to meet a margin call."),
    Decision("choose_delivery", "borrower", "Which tokens to deliver on a call."),
    Decision("rank_calls", "borrower", "Which calls to serve first, if there is not enough."),
    Decision("choose_substitutions", "borrower", "Which collateral to exchange for other tokens."),
    Decision("choose_reuse", "borrower", "How much of what may be posted further to use."),
    Decision("choose_return", "lender", "Which tokens to return on a call."),
    Decision("choose_recalls", "lender", "Which open-ended loans to recall today."),
    Decision("choose_at_maturity", "lender", "Whether a loan that is due is settled or rolled."),
    Decision("choose_withdrawals", "lender", "Which loans to fund no longer."),
    Decision("choose_trades", "participant", "What to sell and buy outside the ledger."),
)
"""All questions to participants; what to publish is asked of the oracle, by `choose_prices`."""


VERBS = ("choose_", "declare_", "meet_", "rank_")
"""What the names of decisions begin with."""
OF_SERVICES = {"choose_prices": "the oracle", "declare_default": "the clearing house"}


@dataclass(frozen=True)
class Deciders:
    """Who answers a question for itself."""

    alone: npt.NDArray[np.bool_]
    """Whether a participant answers alone, shape (participants,)."""
    together: dict[type[Participant], npt.NDArray[np.bool_]]
    """Members of each class that answers in columns, shape (participants,)."""

    @cached_property
    def _some(self) -> bool:
        return bool(self.alone.any() or self.together)

    def __bool__(self) -> bool:
        return self._some


def deciders(kinds: Sequence[type[Participant]], *names: str) -> Deciders:
    """Who answers any of some questions that are asked at the same moment.

    Args:
        kinds: the class of each participant.
        names: of the questions.

    Raises:
        InputError: a class answers both ways.
    """
    alone = np.zeros(len(kinds), np.bool_)
    together: dict[type[Participant], npt.NDArray[np.bool_]] = {}
    for kind in of_ones_own(tuple(kinds)):
        single = [name for name in names if answers(kind, name)]
        columns = [name + IN_COLUMNS for name in names if answers(kind, name + IN_COLUMNS)]
        if single and columns:
            raise InputError(
                f"{kind.__name__} has {single[0]} and {columns[0]}: one class answers for each of"
                " its members or for all at once, not both"
            )
        if single or columns:
            members = np.array([each is kind for each in kinds])
            alone |= members & bool(single)
            if columns:
                together[kind] = members
    return Deciders(alone, together)


@lru_cache(maxsize=16)
def of_ones_own(kinds: tuple[type[Participant], ...]) -> tuple[type[Participant], ...]:
    """Those of some classes that are no standard ones, each once."""
    return tuple(kind for kind in dict.fromkeys(kinds) if not is_ours(kind))


def is_ours(kind: type[Participant]) -> bool:
    """Whether a class is one of the standard ones, which decide nothing for themselves."""
    return kind.__module__.startswith("abm.agents.")


def answers(kind: type[Participant], name: str) -> bool:
    """Whether a class has a method of its own that answers a question."""
    for base in kind.__mro__:
        if name in vars(base):
            return not is_ours(base)
    return False


def refuse_unknown(kind: type[Any]) -> None:
    """Refuse a class with what looks like a decision and is none of its kind: it would do nothing.

    Raises:
        InputError: naming the method, and the decision that it is nearest to.
    """
    if is_ours(kind):
        return
    standard = next(base for base in kind.__mro__ if is_ours(base))
    asked = {**{one.name: f"{one.role}s" for one in DECISIONS}, **OF_SERVICES}
    mine = [name for name in dir(standard) if name.removesuffix(IN_COLUMNS) in asked]
    for base in kind.__mro__:
        if base is standard:
            break
        if not issubclass(base, standard):
            continue
        for name, method in vars(base).items():
            if hasattr(standard, name) or not callable(getattr(base, name, method)):
                continue
            looks = name.startswith(VERBS) or name.endswith(IN_COLUMNS)
            if looks or get_close_matches(name, mine, cutoff=0.8):
                who = asked.get(name.removesuffix(IN_COLUMNS))
                told = f"; it is asked of {who}" if who else nearest(name, mine)
                there = ", ".join(one for one in mine if one in asked)
                raise InputError(
                    f"{kind.__name__}.{name} is no decision of {standard.__name__}{told}; known"
                    f" are {there}; begin the name of a method that is none with _"
                )


def refuse(kinds: Iterable[type[Participant]], names: tuple[str, ...], why: str) -> None:
    """Refuse classes that answer questions which nobody would ask them.

    Raises:
        InputError: naming the first.
    """
    for kind in of_ones_own(tuple(kinds)):
        for name in names:
            for answer in (name, name + IN_COLUMNS):
                if answers(kind, answer):
                    raise InputError(f"{kind.__name__}.{answer} is never asked: the market {why}")
