"""The lending network: participants by role and size, pairs by value and coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import CenteredNorm, LinearSegmentedColormap
from matplotlib.figure import Figure

from analysis.figures.style import FAINT, INK, canvas, finish, note
from analysis.layouts import positions, usual_layout
from analysis.marks import COVERAGE, ROLES, STATES

Floats = npt.NDArray[np.float64]
Positions = Mapping[str, tuple[float, float]]
Layout = Literal["bipartite", "core-periphery", "force"]

MOST = 500
"""More participants than this are cut down to those with the largest exposures."""

_TINT = LinearSegmentedColormap.from_list("coverage", COVERAGE)


def layout(
    pairs: pd.DataFrame, participants: pd.DataFrame, kind: Layout | None = None
) -> dict[str, tuple[float, float]]:
    """Where participants are drawn; keep the result to draw other days at the same places.

    Args:
        pairs: as `analysis.networks.pairs` gives it.
        participants: `participant` and `role`.
        kind: `bipartite` (lenders left, dealers in the middle, borrowers right), `core-periphery`
            (dealers in an inner circle) or `force` (spring layout); if not given core-periphery
            with dealers, bipartite otherwise.

    Returns:
        positions from -1 to 1 by participant.
    """
    names = participants["participant"].astype(str).tolist()
    roles = tuple(participants["role"])
    row = {name: at for at, name in enumerate(names)}
    lender, borrower = (
        np.array([row[str(name)] for name in pairs[side]], np.int64)
        for side in ("lender", "borrower")
    )
    weight = pairs["exposure"].to_numpy(np.float64)
    where = positions(roles, lender, borrower, weight, kind or usual_layout(roles))
    return {name: (x, y) for name, (x, y) in zip(names, where.tolist(), strict=True)}


def network_figure(
    pairs: pd.DataFrame,
    participants: pd.DataFrame,
    places: Positions | None = None,
    most: int = MOST,
) -> Figure:
    """Who lends to whom at the end of a run.

    Lines are pairs, wider for larger exposures and coloured by coverage: grey is fully
    collateralised, orange under-, violet over-collateralised. Marks are participants by role, their
    area by what they have lent and borrowed; those that have defaulted are crossed out.

    Args:
        pairs: as `analysis.networks.pairs` gives it, of one run.
        participants: table `participants` of that run.
        places: from `layout`; made if not given.
        most: largest number of participants to draw.
    """
    people = participants.set_index(participants["participant"].astype(str))
    turnover = pd.Series(0.0, people.index)
    for side in ("lender", "borrower"):
        amounts = pairs.groupby(pairs[side].astype(str))["exposure"].sum()
        turnover = turnover.add(amounts, fill_value=0.0)
    turnover = turnover.reindex(people.index).fillna(0.0)
    shown = turnover.sort_values(ascending=False, kind="stable").index[:most]
    people, turnover = people.loc[shown], turnover[shown]
    edges = pairs[pairs["lender"].isin(shown) & pairs["borrower"].isin(shown)]
    # The largest are drawn last, on top of the others.
    edges = edges.sort_values("exposure")
    where = places or layout(edges, people)
    figure, grid = canvas(8.4, 6.0)
    axes = grid[0, 0]
    ends = np.array(
        [(where[a], where[b]) for a, b in zip(edges["lender"], edges["borrower"], strict=True)]
    ).reshape(-1, 2, 2)
    largest = float(edges["exposure"].max()) if len(edges) else 1.0
    # Hundreds of lines need to be thinner to be told apart.
    widest = 5.0 if len(edges) <= 60 else 3.0 if len(edges) <= 400 else 1.5
    widths = 0.3 + widest * np.sqrt(edges["exposure"].to_numpy(np.float64) / (largest or 1.0))
    axes.add_collection(
        LineCollection(list(ends), linewidths=widths + 0.7, colors="#d5d5d5", zorder=1)
    )
    if "coverage" in edges and len(edges):
        coverage = 100 * (edges["coverage"].fillna(1.0).to_numpy(np.float64) - 1)
        reach = float(np.quantile(np.abs(coverage), 0.98)) or 1.0
        norm = CenteredNorm(0, halfrange=reach)
        axes.add_collection(
            LineCollection(list(ends), linewidths=widths, colors=_TINT(norm(coverage)), zorder=2)
        )
        bar = figure.colorbar(ScalarMappable(norm, _TINT), ax=axes, shrink=0.6, aspect=28, pad=0.01)
        bar.set_label("coverage less 100 %, percentage points", fontsize=8.5)
        bar.ax.tick_params(labelsize=8, color=FAINT)
        bar.outline.set_visible(False)
    biggest = float(turnover.max()) or 1.0
    base = float(np.clip(9000 / max(len(people), 1), 12, 420))
    for role, mark in ROLES.items():
        those = people.index[people["role"] == role]
        if not len(those):
            continue
        spots = np.array([where[name] for name in those])
        area = base * (0.12 + 0.88 * turnover[those].to_numpy(np.float64) / biggest)
        axes.scatter(
            spots[:, 0],
            spots[:, 1],
            s=area,
            color=mark.light,
            marker=mark.marker,
            edgecolors="white",
            linewidths=0.6,
            zorder=3,
            label=f"{role} ({len(those)})",
        )
    if "default_day" in people:
        gone = people.index[people["default_day"] >= 0]
        if len(gone):
            spots = np.array([where[name] for name in gone])
            axes.scatter(
                spots[:, 0],
                spots[:, 1],
                s=max(base * 0.25, 26),
                marker=STATES["default"].marker,
                color=STATES["default"].light,
                linewidths=1.6,
                zorder=4,
                label=f"defaulted ({len(gone)})",
            )
    if len(people) <= 40:
        for name in people.index:
            x, y = where[name]
            away = 1 if x > 0.05 else -1 if x < -0.05 else 0
            axes.annotate(
                name,
                (x, y),
                (away * 12, 0 if away else 12),
                textcoords="offset points",
                ha={1: "left", -1: "right", 0: "center"}[away],
                va="center",
                fontsize=7.5,
                color=INK,
                zorder=5,
            )
    finish(axes, "Who lends to whom", grid="")
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.margins(0.09)
    if len(participants) > len(people):
        note(axes, f"the {len(people)} largest of {len(participants)} participants")
    handles, texts = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        texts,
        loc="outside lower left",
        ncols=4,
        frameon=False,
        fontsize=8.5,
        markerscale=1,
    )
    for handle in figure.legends[0].legend_handles:
        if handle is not None and hasattr(handle, "set_sizes"):
            handle.set_sizes([45])
    return figure
