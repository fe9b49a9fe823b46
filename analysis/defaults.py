"""Who defaulted, when and why, and on whom: read from the record of events."""

from __future__ import annotations

import pandas as pd

from analysis.summary import require

CAUSES = ("exogenous", "liquidity", "contagion", "insolvency")


def defaults_of(events: pd.DataFrame) -> pd.DataFrame:
    """The defaults of one run.

    Args:
        events: table `events` of one run.

    Returns:
        a row a default: `participant`, `day`, `cause`, `exposure` (of its lenders, in money), in
        the order in which they happened.

    Raises:
        ResultsError: no such column.
    """
    require(events, ["event", "party", "day", "cause", "value"])
    rows = events[events["event"] == "default"]
    return pd.DataFrame(
        {
            "participant": rows["party"].to_numpy(),
            "day": rows["day"].to_numpy(),
            "cause": rows["cause"].to_numpy(),
            "exposure": rows["value"].to_numpy(),
        }
    )


def losses_on_defaults(events: pd.DataFrame) -> pd.DataFrame:
    """What the default of each defaulter cost each of its counterparties in one run.

    Args:
        events: table `events` of one run.

    Returns:
        a row a loss when a close-out ended, and a row with a `loss` below zero for what an estate
        paid back: `defaulter`, `counterparty`, `day`, `loss` (money), by day.

    Raises:
        ResultsError: no such column.
    """
    require(events, ["event", "party", "lender", "borrower", "day", "value"])
    lost = (events["event"] == "close_out") & (events["value"] < 0)
    rows = events[lost | (events["event"] == "recovery")]
    lender, borrower, party = (rows[name].astype(str) for name in ("lender", "borrower", "party"))
    return pd.DataFrame(
        {
            "defaulter": borrower.where(party == lender, lender).to_numpy(),
            "counterparty": party.to_numpy(),
            "day": rows["day"].to_numpy(),
            "loss": -rows["value"].to_numpy(),
        }
    )


def contagion_tree(events: pd.DataFrame) -> pd.DataFrame:
    """Each default of a run under the earlier default that cost the participant most.

    A default by contagion hangs on the defaulter on which the participant had lost most until
    then; defaults of other causes are roots. A tree is a summary: several losses may have been
    needed, `losses_on_defaults` has them all.

    Args:
        events: table `events` of one run.

    Returns:
        the rows of `defaults_of` with `parent` (empty for a root), `loss` on the parent and
        `depth` (0 for a root).

    Raises:
        ResultsError: no such column.
    """
    tree = defaults_of(events)
    losses = losses_on_defaults(events)
    order = {name: row for row, name in enumerate(tree["participant"])}
    parents, amounts, depths = [], [], []
    depth: dict[str, int] = {}
    for row, default in enumerate(tree.itertuples()):
        suffered = losses[
            (losses["counterparty"] == default.participant) & (losses["day"] <= default.day)
        ]
        suffered = suffered[suffered["defaulter"].map(order) < row]
        parent, amount = "", float("nan")
        if default.cause == "contagion" and len(suffered):
            totals = suffered.groupby("defaulter")["loss"].sum()
            parent, amount = str(totals.idxmax()), float(totals.max())
        depth[str(default.participant)] = depth[parent] + 1 if parent else 0
        parents.append(parent)
        amounts.append(amount)
        depths.append(depth[str(default.participant)])
    return tree.assign(parent=parents, loss=amounts, depth=depths)
