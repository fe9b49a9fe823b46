"""A walk through the days that matter, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from abm.books.standing import CAUSES, CONTAGION, INSOLVENCY, LIQUIDITY
from abm.page import measures
from abm.page.sentences import amount, listed
from abm.page.watch import Watch


class Stop(NamedTuple):
    """A day of the walk: what happens on it, and why."""

    day: int
    title: str
    what: str
    why: str


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
            "The first liquidity default",
            f"A call stays unmet, or a loan overdue, beyond the grace of {grace}"
            f" day{'s' * (grace != 1)}. Lenders sell the collateral; claims are settled {days}"
            f" day{'s' * (days != 1)} after the last day on which nothing was owed.",
        ),
        (
            CONTAGION,
            "The first contagion",
            "Losses from the defaults of others have used up the equity.",
        ),
        (INSOLVENCY, "The first insolvency", "Prices have used up the equity."),
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
    counts = [sum(its == c for *_, its in watch.defaults) for c in range(len(CAUSES))]
    by_cause = ", ".join(
        f"{count} {name}"
        for c, (count, name) in enumerate(zip(counts, CAUSES, strict=True))
        # Without balance sheets there is none.
        if count or c != INSOLVENCY
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
