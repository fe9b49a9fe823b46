"""The charts of a run so far: one or two markets in the same axes, today marked.

A chart keeps axes and texts as pixels as long as its scales stay, and draws its lines over them:
most of the time that matplotlib takes goes into texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.ticker import FuncFormatter, MaxNLocator

from abm.page import images, style
from abm.page.chart_list import ChartSpec, Series, price_of
from abm.page.tables import money
from abm.page.view import DayView

Floats = npt.NDArray[np.float64]

MOST_TOKENS = 6
"""So many prices are drawn."""

_HORIZONS = (65, 130, 260, 520)
_SIZE = (3.7, 2.3)
_FRAME = (0.165, 0.18, 0.815, 0.68)
_DPI = 150
_POINTS_ACROSS = 72 * _SIZE[0] * _FRAME[2]


class Chart:
    """A chart with its figure. Make one for each run: what is fixed in a run is drawn once."""

    def __init__(self, spec: ChartSpec, views: Sequence[DayView]):
        """Lay the chart out for one or two markets."""
        self.spec = spec
        first = views[0]
        self.figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
        self.axes: Axes = self.figure.add_axes(_FRAME)
        unit = spec.unit if spec.unit != "money" else first.currency
        axes = self.axes
        axes.set_title(spec.title, fontsize=9.5, loc="left", color=style.INK, pad=5)
        axes.set_xlabel("day", fontsize=8, color=style.FAINT, labelpad=1)
        axes.set_ylabel(unit, fontsize=8, color=style.FAINT, labelpad=2)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=spec.unit in ("calls", "participants")))
        if spec.unit == "money":
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value)))
        axes.tick_params(labelsize=7.5, colors=style.FAINT, length=2)
        axes.grid(axis="y", color=style.GRID, linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(style.GRID)
        if spec.level is not None:
            axes.axhline(spec.level, color=style.FAINT, linewidth=0.7)
        self.today = axes.axvline(0, color=style.INK, linewidth=0.9, alpha=0.45)
        self._lines = [self._new_lines(view, at, len(views)) for at, view in enumerate(views)]
        self._bands = [self._new_band(at) for at in range(len(views)) if spec.band]
        self._legend(views)
        for artist in self._moving():
            artist.set_animated(True)
        self._canvas = FigureCanvasAgg(self.figure)
        self._range: tuple[float, float] | None = None
        self._background: Any = None
        self._scales: Any = None

    def image(self, views: Sequence[DayView]) -> bytes:
        """The chart of these views, of the same run as those it was made for, as PNG."""
        self.update(views)
        scales = (self.axes.get_xlim(), self.axes.get_ylim())
        with images.drawing:
            if scales != self._scales:
                self._canvas.draw()
                self._background = self._canvas.copy_from_bbox(self.figure.bbox)
                self._scales = scales
            self._canvas.restore_region(self._background)
            for artist in sorted(self._moving(), key=lambda artist: artist.get_zorder()):
                self.axes.draw_artist(artist)
            return images.encode(self._canvas)

    def _moving(self) -> list[Artist]:
        """What changes from day to day."""
        return [self.today, *self._bands, *(line for lines in self._lines for line in lines)]

    def update(self, views: Sequence[DayView]) -> None:
        """Bring lines, bands and scales up to these views."""
        low, high = [], []
        for at, view in enumerate(views):
            days = np.arange(view.day + 1, dtype=np.float64)
            for line, series in zip(self._lines[at], self._series(view), strict=True):
                values = series.of(view)
                finite = values[np.isfinite(values)]
                low.append(finite.min(initial=np.inf))
                high.append(finite.max(initial=-np.inf))
                if series.bars:
                    shift = 0.2 * (2 * at - len(views) + 1)
                    line.set_data(*_bars(days + shift, values))
                else:
                    line.set_data(days, values)
            if self.spec.band:
                bottom, top = self.spec.band(view)
                self._bands[at].set_xy(
                    np.column_stack(
                        [np.concatenate([days, days[::-1]]), np.concatenate([bottom, top[::-1]])]
                    )
                )
                low.append(bottom.min())
                high.append(top.max())
        if self._range is None:
            start = self.spec.start(views[0])
            low.append(start[0])
            high.append(start[1])
        self._scale(min(low, default=0.0), max(high, default=1.0))
        self._horizon(views[0])
        self.today.set_xdata([views[0].day, views[0].day])

    def _series(self, view: DayView) -> tuple[Series, ...]:
        """The series of the chart; prices have one a token, which only the market knows."""
        if self.spec.series:
            return self.spec.series
        tokens = view.tokens[:-1][:MOST_TOKENS]
        return tuple(Series(token, price_of(i)) for i, token in enumerate(tokens))

    def _new_lines(self, view: DayView, at: int, models: int) -> list[Line2D]:
        lines = []
        for i, series in enumerate(self._series(view)):
            own = self.spec.series != ()
            colour = style.MODEL_COLOURS[at] if own else style.TOKEN_COLOURS[i]
            if series.label == "unmet":
                colour = style.UNMET
            (line,) = self.axes.plot(
                [],
                [],
                series.dashes if own or at == 0 else "--",
                color=colour,
                linewidth=1.5,
                solid_capstyle="butt",
                alpha=0.6 if series.bars and series.label in ("return", "lenders") else 1.0,
                zorder=3 if series.bars else 4 - at * 0.5,
            )
            lines.append(line)
        return lines

    def _new_band(self, at: int) -> Polygon:
        colour = style.BAND if at == 0 else style.MODEL_COLOURS[1]
        band = Polygon(np.zeros((3, 2)), facecolor=colour, edgecolor="none", zorder=0.5)
        band.set_alpha(0.7 if at == 0 else 0.18)
        self.axes.add_patch(band)
        return band

    def _legend(self, views: Sequence[DayView]) -> None:
        series = self._series(views[0])
        keys: list[Line2D] = []
        if len(views) == 2 and not self.spec.series:
            keys.append(Line2D([], [], color=style.FAINT, linestyle="--", label=views[1].title))
        if len(views) == 2 and self.spec.series:
            keys = [
                Line2D([], [], color=style.MODEL_COLOURS[at], label=view.title)
                for at, view in enumerate(views)
            ]
        if len(series) > 1:
            for line, one in zip(self._lines[0], series, strict=True):
                shade = line.get_color() if not self.spec.series or len(views) == 1 else style.FAINT
                if one.label == "unmet":
                    shade = style.UNMET
                keys.append(
                    Line2D(
                        [],
                        [],
                        color=shade,
                        linestyle=one.dashes,
                        alpha=line.get_alpha(),
                        linewidth=4 if one.bars else 1.5,
                        label=one.label,
                    )
                )
        if keys:
            self.axes.legend(
                handles=keys,
                fontsize=7,
                ncols=3,
                frameon=False,
                loc="upper right",
                handlelength=1.4,
                columnspacing=0.9,
                labelcolor=style.INK,
                borderaxespad=0.1,
            )

    def _scale(self, low: float, high: float) -> None:
        """Make room for the data and more of it to come; never shrink, so that little jumps."""
        if not (np.isfinite(low) and np.isfinite(high)):
            low, high = 0.0, 1.0
        if self._range is not None:
            lowest, highest = self._range
            if lowest <= low and high <= highest:
                return
            span = max(high, highest) - min(low, lowest)
            low = low - 0.3 * span if low < lowest else lowest
            high = high + 0.3 * span if high > highest else highest
        self._range = (low, high)
        span = high - low or max(abs(high), 1.0)
        self.axes.set_ylim(low - 0.04 * span, high + 0.22 * span)

    def _horizon(self, view: DayView) -> None:
        """Show the days so far and some more; all of them at once would squeeze the first."""
        shown = next((days for days in _HORIZONS if days > view.day), view.last_day)
        shown = min(shown, view.last_day)
        self.axes.set_xlim(-0.5, shown + 0.5)
        models = len(self._lines)
        for lines in self._lines:
            for line, series in zip(lines, self._series(view), strict=True):
                if series.bars:
                    line.set_linewidth(max(_POINTS_ACROSS / (shown + 1) * 0.7 / models, 0.8))


def _bars(days: Floats, values: Floats) -> tuple[Floats, Floats]:
    """One line that goes up and down from zero at each day, broken between days."""
    x = np.repeat(days, 3)
    y = np.zeros((len(values), 3))
    y[:, 1] = values
    y[:, 2] = np.nan
    return x, y.ravel()
