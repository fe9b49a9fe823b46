"""The lending network drawn with matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from abm.opening.population import ROLES
from abm.page import images, style
from abm.page.gathering import Drawn
from abm.page.picture import Picture

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT, DPI = 8.0, 5.6, 120
MARGIN = 1.13
"""The picture reaches from -MARGIN to MARGIN either way."""
MOST_LABELS = 45
MOST_MARKS = 150
"""More calls than this a day are told in words only, since marks would hide the loans."""
FRAME = (0.0, 0.1, 1.0, 0.9)
"""Where the network stands in the figure: left, bottom, width, height."""


class NetworkFigure:
    """The picture of a network for one run and layout.

    Squares lend, circles borrow, diamonds do both; their area goes with size. An edge is all loans
    of a pair: its width goes with exposure, its colour with coverage. The legend stays as pixels,
    since it takes as long to draw as the network.
    """

    def __init__(self, drawn: Drawn, place: Floats):
        """Make the figure for these nodes at these positions."""
        self.drawn, self.place = drawn, place
        self.figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="white")
        self.axes = self.figure.add_axes(FRAME)
        self.axes.set(xlim=(-MARGIN, MARGIN), ylim=(-MARGIN, MARGIN))
        self.axes.set_axis_off()
        self._canvas = FigureCanvasAgg(self.figure)
        with images.drawing:
            _legend(self.figure, drawn)
            self._canvas.draw()
            self._background: Any = self._canvas.copy_from_bbox(self.figure.bbox)

    def image(self, picture: Picture) -> bytes:
        """The network on a day as PNG."""
        with images.drawing:
            self.update(picture)
            self._canvas.restore_region(self._background)
            for artist in sorted(self._moving(), key=lambda artist: artist.get_zorder()):
                self.axes.draw_artist(artist)
            return images.encode(self._canvas)

    def _moving(self) -> list[Artist]:
        """Everything that changes from day to day."""
        return [*self.axes.collections, *self.axes.texts]

    def update(self, picture: Picture) -> None:
        """Replace the nodes and edges by those of a day."""
        axes = self.axes
        for artist in self._moving():
            artist.remove()
        if not len(self.drawn.names):
            axes.text(0, 0, "No participants", ha="center", color=style.FAINT)
            return
        _draw_edges(axes, picture)
        _draw_nodes(axes, picture)
        if not picture.shown.any():
            axes.text(0, -MARGIN, "No loan is open", ha="center", va="bottom", color=style.FAINT)


def _draw_edges(axes: Axes, picture: Picture) -> None:
    drawn, place = picture.drawn, picture.place
    ends = np.stack([place[drawn.lender], place[drawn.borrower]], axis=1)
    largest = drawn.weight.max(initial=0) or 1.0
    crowd = np.clip(60 / max(int(picture.shown.sum()), 1), 0.25, 1)
    width = 0.5 + 6.5 * crowd * np.sqrt(picture.exposure / largest)
    live = picture.shown & ~picture.in_close_out & np.isfinite(picture.coverage)
    axes.add_collection(
        LineCollection(
            list(ends[live]),
            linewidths=width[live],
            array=np.clip(picture.coverage[live], 0, 2),
            cmap=style.coverage_colours(),
            norm=_norm(),
            alpha=0.85,
            capstyle="round",
            zorder=1,
        )
    )
    for chosen, colour, dashes in (
        (picture.in_close_out & picture.shown, style.INK, (1, 2)),
        (picture.unmet & ~picture.in_close_out, style.UNMET, (4, 2)),
    ):
        if chosen.any():
            axes.add_collection(
                LineCollection(
                    list(ends[chosen]),
                    colors=colour,
                    linewidths=1.4,
                    linestyle=(0, dashes),
                    zorder=2,
                )
            )
    middle = ends.mean(axis=1)
    marked = live & (picture.delivered | picture.returned) & ~picture.unmet
    if marked.sum() <= MOST_MARKS:
        # A third of the way from whoever delivers, so that both directions can be told apart.
        for chosen, fill, towards in (
            (marked & picture.delivered, style.INK, 1),
            (marked & picture.returned & ~picture.delivered, "white", 0),
        ):
            at = middle[chosen] + (ends[chosen, towards] - middle[chosen]) / 3
            axes.scatter(
                at[:, 0],
                at[:, 1],
                s=16,
                marker="o",
                facecolor=fill,
                edgecolor=style.INK,
                linewidth=0.8,
                zorder=3,
            )
    at = middle[picture.unmet]
    axes.scatter(
        at[:, 0],
        at[:, 1],
        s=70,
        marker="X",
        color=style.UNMET,
        edgecolor="white",
        linewidth=0.8,
        zorder=6,
    )


def _draw_nodes(axes: Axes, picture: Picture) -> None:
    drawn, place = picture.drawn, picture.place
    area = node_areas(drawn)
    broken = picture.defaulted > 0
    whole = broken & (drawn.members == 1)
    for role in ROLES:
        rows = np.flatnonzero(np.array([r == role for r in drawn.roles]) & ~whole)
        axes.scatter(
            place[rows, 0],
            place[rows, 1],
            s=area[rows],
            marker=style.ROLE_MARKERS[role],
            facecolor=style.ROLE_COLOURS[role],
            edgecolor=style.INK,
            linewidth=1.0,
            zorder=4,
        )
    axes.scatter(
        place[whole, 0],
        place[whole, 1],
        s=np.maximum(area[whole], 60),
        marker="X",
        color="black",
        edgecolor="white",
        linewidth=0.7,
        zorder=7,
    )
    new = picture.new_defaults > 0
    axes.scatter(
        place[new, 0],
        place[new, 1],
        s=area[new] + 220,
        marker="o",
        facecolor="none",
        edgecolor="black",
        linewidth=1.6,
        zorder=7,
    )
    few = len(drawn.names) <= MOST_LABELS
    for i, name in enumerate(drawn.names):
        gathered = drawn.members[i] > 1
        if not (few or gathered or new[i]):
            continue
        text = f"{name}, {picture.defaulted[i]} in default" if gathered and broken[i] else name
        side = -1 if place[i, 0] < -0.5 else 1 if place[i, 0] > 0.5 else 0
        beside = 5 + np.sqrt(area[i]) / 2
        if gathered:
            # Long names go inwards from the border, and outwards from the middle.
            right = side < 0 or (side == 0 and place[i, 0] > 0)
            offset = (beside if right else -beside, 0.0)
            ha, va = "left" if right else "right", "center"
        elif side:
            offset, ha, va = (side * beside, 0.0), "right" if side < 0 else "left", "center"
        else:
            offset, ha, va = (0.0, -9 - np.sqrt(area[i]) / 3), "center", "top"
        axes.annotate(
            text,
            place[i],
            xytext=offset,
            textcoords="offset points",
            ha=ha,
            va=va,
            fontsize=9 if len(drawn.names) <= 24 else 7.5,
            color=style.INK,
            zorder=8,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
        )


def node_areas(drawn: Drawn) -> Floats:
    """Areas of the nodes in square points: with size, within limits that stay legible."""
    alone = drawn.members == 1
    mean = drawn.size[alone].mean() if alone.any() else 1.0
    unit = np.interp(len(drawn.names), [10, 40, 120], [170.0, 90.0, 34.0])
    return np.clip(drawn.size / mean, 0.25, np.where(alone, 6.0, 12.0)) * unit


def _norm() -> Normalize:
    return Normalize(1 - style.COVERAGE_SPAN, 1 + style.COVERAGE_SPAN)


def _legend(figure: Figure, drawn: Drawn) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.add_axes((0.735, 0.078, 0.225, 0.02))
    colours = ScalarMappable(_norm(), style.coverage_colours())
    colourbar = figure.colorbar(colours, cax=bar, orientation="horizontal", extend="both")
    span = style.COVERAGE_SPAN
    colourbar.set_ticks([1 - span, 1, 1 + span])
    colourbar.set_ticklabels([f"{1 - span:.0%}", "coverage 100%", f"{1 + span:.0%}"])
    colourbar.ax.tick_params(labelsize=7.5, length=2, colors=style.FAINT)
    colourbar.outline.set_visible(False)
    marks = [
        _key(style.ROLE_MARKERS[role], style.ROLE_COLOURS[role], style.INK, role)
        for role in ROLES
        if role in drawn.roles
    ]
    marks += [
        _key("o", style.INK, style.INK, "called, delivered", 4),
        _key("o", "white", style.INK, "called, returned", 4),
        _key("X", style.UNMET, "white", "unmet call", 8),
        _key("X", "black", "white", "in default (ringed: today)", 8),
        Line2D([], [], color=style.INK, linestyle=(0, (1, 2)), label="close-out"),
    ]
    figure.legend(
        handles=marks,
        loc="lower left",
        bbox_to_anchor=(0.01, 0.0),
        ncols=4,
        fontsize=8,
        frameon=False,
        handletextpad=0.5,
        columnspacing=1.2,
        labelcolor=style.INK,
    )


def _key(marker: str, face: str, edge: str, label: str, size: float = 6.5) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        markerfacecolor=face,
        markeredgecolor=edge,
        markersize=size,
        label=label,
    )
