"""How a market shows itself: in a line, and in a notebook with its network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from math import sqrt

import pandas as pd

from abm.books.loan_book import OPEN_LOAN
from abm.tables.frames import loans_frame, participants_frame
from abm.tables.source import Source
from scenarios.notebook import html_table

Place = tuple[float, float]

MOST_LOANS, MOST_PARTICIPANTS = 3000, 150
"""Of a network that is drawn; a larger one is only counted."""

WIDTH, ROW, MARGIN = 420, 14, 18
"""Of the picture, in pixels: from side to side, from one participant to the next, around them."""

PLACES = {"lender": 0, "dealer": 1, "borrower": 2}
COLOURS = {"lender": "#0072b2", "dealer": "#e69f00", "borrower": "#009e73"}
COVERED, UNCOVERED = "#b0b0b0", "#d55e00"


def line(market: Source, name: str) -> str:
    """A market in a line: where it is, who is in it, and who has defaulted."""
    return f"<CollateralMarket {name}: {', '.join(counts(market).values())}>"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counts(market: Source) -> dict[str, str]:
    """What there is in a market today, in words."""
    roles = Counter(market.population.roles)
    defaults = int((market.standing.default_day >= 0).sum())
    told = [_counted(roles[role], role) for role in ("lender", "dealer", "borrower") if roles[role]]
    last = len(market.days) - 1
    loans = (market.final or market.books).loans
    day = min(market.day, last)
    return {
        "day": f"day {day} of {last} ({market.days[day]:%Y-%m-%d})",
        "participants": ", ".join(told),
        "loans": _counted(len(loans), "loan"),
        "open": f"{int((loans.state == OPEN_LOAN).sum()):,} open",
        "defaults": _counted(defaults, "default"),
    }


def html(market: Source, name: str) -> str:
    """A market as a table, and beside it its network if that can be drawn."""
    recorded = market.datacollector.model_vars
    day = {name: values[-1] for name, values in recorded.items()}
    told = counts(market)
    rows = {
        "day": told["day"].removeprefix("day "),
        "participants": told["participants"],
        "loans": f"{told['loans'].split()[0]}, {told['open']}",
        "defaults": told["defaults"].split()[0],
        "tokens": ", ".join(market.tokens),
        "exposure": f"{day['exposure']:,.0f} {market.tokens[-1]}",
        "margin calls today": f"{day['margin_calls']:,.0f}",
        "unmet calls today": f"{day['unmet_calls']:,.0f}",
    }
    table = html_table(f"CollateralMarket {name}", rows)
    return (
        '<div style="display:flex;gap:2em;align-items:flex-start;flex-wrap:wrap">'
        f"{table}{network_svg(market)}</div>"
    )


def network_svg(market: Source) -> str:
    """Lenders, dealers and borrowers side by side, with a line for each pair with open loans.

    A line is the wider the larger the exposure, and red where collateral does not cover it; who has
    defaulted is hollow. Names are shown on pointing at them.
    """
    if len(market.books.loans) > MOST_LOANS or len(market.population.names) > MOST_PARTICIPANTS:
        return "<div>The network is too large to be drawn here; `market.network` has it.</div>"
    people = participants_frame(market)[["participant", "role", "default_day"]]
    loans = loans_frame(market)
    loans = loans[loans["state"] == "open"]
    pairs = loans.groupby(["lender", "borrower"])[["exposure", "uncollateralised_exposure"]].sum()
    height = 2 * MARGIN + ROW * max(Counter(people["role"]).values())
    at = _places(people["participant"].tolist(), people["role"].tolist(), height)
    return (
        f'<svg role="img" aria-label="Who lends to whom: {len(pairs)} pairs with open loans"'
        f' width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
        f"{''.join(_lines(pairs, at))}{''.join(_dots(people, at))}</svg>"
    )


def _lines(pairs: pd.DataFrame, at: Mapping[str, Place]) -> Iterator[str]:
    """A line from each lender to each of its borrowers."""
    largest = max(float(pairs["exposure"].max()), 1e-300) if len(pairs) else 1.0
    for (lender, borrower), exposure, uncovered in pairs.itertuples():
        (x1, y1), (x2, y2) = at[lender], at[borrower]
        # Between two of a column the line bends, to be seen beside the others.
        bend = MARGIN if x1 == x2 else 0
        yield (
            f'<path d="M{x1:.0f} {y1:.0f} Q{(x1 + x2) / 2 + bend:.0f} {(y1 + y2) / 2:.0f}'
            f' {x2:.0f} {y2:.0f}" fill="none" stroke="{UNCOVERED if uncovered > 0 else COVERED}"'
            f' stroke-width="{0.4 + 2.2 * sqrt(exposure / largest):.1f}"/>'
        )


def _dots(people: pd.DataFrame, at: Mapping[str, Place]) -> Iterator[str]:
    """Everybody, with a name to point at."""
    for name, role, day in people.itertuples(index=False):
        x, y = at[name]
        fill = "white" if day >= 0 else COLOURS[role]
        said = f"{name}, {role}" + (f", defaulted on day {day}" if day >= 0 else "")
        yield (
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{fill}"'
            f' stroke="{COLOURS[role]}"><title>{escape(said)}</title></circle>'
        )


def _places(names: list[str], roles: list[str], height: int) -> dict[str, Place]:
    """Where everybody stands: lenders on the left, borrowers on the right."""
    at = {}
    for role, column in PLACES.items():
        members = [name for name, its in zip(names, roles, strict=True) if its == role]
        step = (height - 2 * MARGIN) / max(len(members), 1)
        x = MARGIN + column * (WIDTH - 2 * MARGIN) / 2
        for row, name in enumerate(members):
            at[name] = (x, MARGIN + (row + 0.5) * step)
    return at
