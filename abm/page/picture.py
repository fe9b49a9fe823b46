"""The lending network of a day as things to draw: nodes and edges with all their properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.page.gathering import Drawn
from abm.page.tables import money
from abm.page.view import DayView, sums

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Picture:
    """Everything that the picture of a day shows. Edges run from lender to borrower."""

    drawn: Drawn
    place: Floats
    """Positions of the nodes, shape (nodes, 2)."""
    exposure: Floats
    """Of each edge; likewise the next ones."""
    coverage: Floats
    """NaN where there is no live exposure."""
    shown: Bools
    delivered: Bools
    returned: Bools
    unmet: Bools
    in_close_out: Bools
    defaulted: Ints
    """Participants of each node that have defaulted."""
    new_defaults: Ints
    """Those of them that did today."""

    @property
    def counts(self) -> dict[str, int]:
        """What the day's marks stand for, over all edges."""
        return {
            "delivered": int(self.delivered.sum()),
            "returned": int(self.returned.sum()),
            "unmet": int(self.unmet.sum()),
            "defaulted": int(self.defaulted.sum()),
            "new_defaults": int(self.new_defaults.sum()),
        }

    @property
    def words(self) -> str:
        """What the marks say, in words."""
        counts = self.counts
        told = (
            f"Today: deliveries on {counts['delivered']:,} of {len(self.shown):,} connections,"
            f" returns on {counts['returned']:,}, unmet calls on {counts['unmet']:,},"
            f" {counts['new_defaults']:,} new"
            f" {'default' if counts['new_defaults'] == 1 else 'defaults'}"
        )
        if counts["defaulted"]:
            told += f" ({counts['defaulted']:,} so far)"
        return told + "."


def picture(view: DayView, drawn: Drawn, place: Floats) -> Picture:
    """The picture of a day."""
    edges = len(drawn.lender)
    pairs = np.flatnonzero(drawn.edge_of >= 0)
    edge = drawn.edge_of[pairs]

    def total(amount: npt.NDArray[Any]) -> Floats:
        return sums(edge, amount[pairs], edges)

    live = np.where(view.in_close_out, 0.0, view.exposure)
    exposure, gap = total(live), total(np.where(view.in_close_out, 0.0, view.gap))
    coverage = np.divide(exposure + gap, exposure, out=np.full(edges, np.nan), where=exposure > 0)
    unmet, in_close_out = total(view.unmet) > 0, total(view.in_close_out) > 0
    happening = unmet | in_close_out
    defaulted = view.defaulted
    nodes = len(drawn.names)
    return Picture(
        drawn=drawn,
        place=place,
        exposure=exposure,
        coverage=coverage,
        shown=(drawn.largest & (exposure > 0)) | happening,
        delivered=total(view.delivered) > 0,
        returned=total(view.returned) > 0,
        unmet=unmet,
        in_close_out=in_close_out,
        defaulted=np.bincount(drawn.node_of[defaulted], minlength=nodes),
        new_defaults=np.bincount(
            drawn.node_of[defaulted & (view.default_day == view.day)], minlength=nodes
        ),
    )


def hover_texts(view: DayView, drawn: Drawn) -> list[str]:
    """What the pointer tells of each node: wallet, loans and equity."""
    nodes = len(drawn.names)

    def total(amount: Floats) -> Floats:
        return sums(drawn.node_of, amount, nodes)

    wallet = total(view.wallets @ view.token_values)
    lent, borrowed = total(view.by_lender(view.exposure)), total(view.by_borrower(view.exposure))
    equity, defaults = total(view.equity), total(view.defaulted.astype(np.float64))
    losses = total(view.losses)
    texts = []
    for i, name in enumerate(drawn.names):
        lines = [f"{name}" if drawn.members[i] > 1 else f"{name}, {drawn.roles[i]}"]
        if drawn.roles[i] != "borrower":
            lines.append(f"lends {money(lent[i], view.currency)}")
        if drawn.roles[i] != "lender":
            lines.append(f"borrows {money(borrowed[i], view.currency)}")
        lines.append(f"wallet {money(wallet[i], view.currency)}")
        if np.isfinite(equity[i]):
            lines.append(f"equity {money(equity[i], view.currency)}")
        if losses[i]:
            lines.append(f"losses {money(losses[i], view.currency)}")
        if defaults[i]:
            alone = drawn.members[i] == 1
            lines.append("in default" if alone else f"{int(defaults[i])} in default")
        texts.append("\n".join(lines))
    return texts
