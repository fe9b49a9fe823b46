"""What happens, in words: a sentence a day, and a walk through the days that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from abm.books.standing import CAUSES, CONTAGION, LIQUIDITY
from abm.page import measures

if TYPE_CHECKING:
    from abm.page.watch import Watch


class Stop(NamedTuple):
    """A day of the walk: what happens on it, and why."""

    day: int
    title: str
    what: str
    why: str


def amount(value: float, currency: str = "") -> str:
    """Money in few digits and words: 6.11 million USD."""
    for limit, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= 0.9995 * limit:
            return f"{value / limit:.3g} {word} {currency}".rstrip()
    return f"{value:,.0f} {currency}".rstrip()


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a row: B1, B2 and 3 others."""
    shown = list(names[:most]) if len(names) > most + 1 else list(names)
    rest = len(names) - len(shown)
    if rest:
        shown.append(f"{rest} others")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def sentence(
    defaults: Sequence[str], unmet: Sequence[str], stats: dict[str, float], currency: str
) -> str:
    """A day in one sentence, without its number.

    Args:
        defaults: names of those who default on it.
        unmet: names of those who do not meet a call, or not in full.
        stats: statistics of the day.
        currency: of all money.
    """
    parts = []
    if defaults:
        parts.append(f"{listed(defaults)} {'defaults' if len(defaults) == 1 else 'default'}")
    short = [name for name in unmet if name not in defaults]
    if short:
        verb = "does" if len(short) == 1 else "do"
        parts.append(f"{listed(short)} {verb} not meet a call in full")
    if loss := stats[measures.LOSS]:
        parts.append(f"close-outs lose {amount(loss, currency)}")
    delivery, back = stats["delivery_calls"], stats["return_calls"]
    if not parts:
        calls = int(delivery + back)
        met = ", all met" if delivery and not unmet else ""
        each = f"{int(delivery):,} for delivery, {int(back):,} for return"
        parts.append(f"{calls:,} call{'s' * (calls != 1)} ({each}){met}" if calls else "no calls")
    uncovered = stats[measures.UNCOVERED]
    parts.append(
        f"{amount(uncovered, currency)} uncollateralised" if uncovered > 0 else "all covered"
    )
    return "; ".join(parts)


def walk(watch: Watch) -> list[Stop]:
    """The days that matter in a run that is over, in order; a day may matter for two reasons."""
    market, cur = watch.market, watch.market.scenario.money.currency
    scenario = market.scenario
    history = {k: np.array(v, np.float64) for k, v in market.datacollector.model_vars.items()}
    prices = np.array(watch.prices)
    last = len(prices) - 1
    exposure, lag = history["exposure"], scenario.agreement.settlement_lag
    stops = [
        Stop(
            0,
            "The loans are opened",
            f"{len(market.population.names):,} participants; {amount(exposure[0], cur)} are lent,"
            f" covered to {history[measures.COVERAGE][0]:.1%} after haircut.",
            "Every loan begins with the collateral that it requires.",
        )
    ]
    late = f"; it arrives {lag} day{'s' * (lag != 1)} later, and until then lenders are short."
    late = late if lag else "."
    falls = (prices[1:] / prices[:-1]).mean(axis=1) - 1
    if last and falls.min() < 0:
        worst = int(falls.argmin())
        called = history["delivery_call_value"][worst + 1]
        stops.append(
            Stop(
                worst + 1,
                "The largest fall",
                f"Tokens fall by {-falls[worst]:.1%} on average;"
                f" {amount(called, cur)} of collateral are called.",
                "Collateral that is worth less must be made up by borrowers" + late,
            )
        )
    if watch.unmet:
        day = min(watch.unmet)
        names = watch.unmet[day]
        missing = amount(history["unmet_value"][day], cur)
        why = (
            "The wallet holds too little, and nothing more can be minted."
            if scenario.participants.issuance_capacity == 0
            else "What it holds, can have minted in time and is willing to give is less."
        )
        stops.append(
            Stop(day, "The first call that is not met", f"{listed(names)}: {missing} missing.", why)
        )
    grace = scenario.agreement.grace_days
    days = scenario.close_out.margin_period_of_risk
    for cause, title, why in (
        (
            LIQUIDITY,
            "The first default on an unmet call",
            f"A call stays unmet beyond the grace of {grace} day{'s' * (grace != 1)}. Lenders"
            f" sell the collateral; claims are settled {days} day{'s' * (days != 1)} after the last"
            " met call.",
        ),
        (
            CONTAGION,
            "The first contagion",
            "Losses from the defaults of others have used up the equity.",
        ),
    ):
        of_cause = [(day, row) for day, row, its in watch.defaults if its == cause]
        if of_cause:
            day = of_cause[0][0]
            names = [market.population.names[row] for at, row in of_cause if at == day]
            verb = "defaults" if len(names) == 1 else "default"
            stops.append(Stop(day, title, f"{listed(names)} {verb}.", why))
    losses = history[measures.LOSS]
    if losses.any():
        day = int(losses.argmax())
        stops.append(
            Stop(
                day,
                "The largest loss",
                f"Close-outs that end today lose {amount(losses[day], cur)}.",
                "During the liquidation the collateral fell by more than its haircut"
                + ("; the sales themselves press on prices." if scenario.close_out.impact else "."),
            )
        )
    uncovered = history[measures.UNCOVERED]
    if uncovered.any():
        day = int(uncovered.argmax())
        why = "What was called today is under way." if lag else "Calls went unmet."
        stops.append(
            Stop(
                day,
                "Lenders' risk at its highest",
                f"{amount(uncovered[day], cur)} are not covered by collateral.",
                why,
            )
        )
    number = len(watch.defaults)
    by_cause = ", ".join(
        f"{sum(its == c for *_, its in watch.defaults)} {name}" for c, name in enumerate(CAUSES)
    )
    stops.append(
        Stop(
            last,
            "The end of the window",
            f"{number:,} default{'s' * (number != 1)}"
            + (f" ({by_cause})" if number else "")
            + f"; {amount(losses.sum(), cur)} lost.",
            "docs/crash.md tells what each cause contributes."
            if scenario.name == "crash"
            else "Change one thing and look again.",
        )
    )
    return sorted(stops, key=lambda stop: stop.day)
