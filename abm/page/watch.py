"""What can be seen of a market: once a run, once a day, and of one participant on a day.

Everything is plain data, ready to be sent. A day is copied out of the market when it is over, so
that the page never looks at one in the middle of its next day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from abm.books.ledger import UNLIMITED
from abm.books.loan_book import ACTIVE, LIQUIDATING, LOAN_STATES, NEVER, OPEN_LOAN, PENDING
from abm.books.sheet import ASSETS, LINES
from abm.books.standing import CAUSES
from abm.measures.moments import NO_CLOSE_OUTS
from abm.measures.statistics import gaps_and_exposures
from abm.page import measures
from abm.page.sentences import sentence
from analysis.layouts import positions, usual_layout

if TYPE_CHECKING:
    from abm.model import CollateralMarket

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_ROWS = 200
"""Events and loans that a browser is sent at once."""

DELIVERED, RETURNED, UNMET, CLOSING = 1, 2, 4, 8
"""What happened to a pair on a day, as bits."""

_COMMON = ("mint", "burn", "transfer", "call", "delivery", "return", "settlement", "reuse")
"""Kinds of events that come by the hundred, and make room for the others."""


class Watch:
    """Looks at a market once a day, and remembers what the market itself does not keep."""

    def __init__(self, market: CollateralMarket, title: str = ""):
        """Watch a market from its present day on."""
        self.market, self.title = market, title or market.scenario.name
        self.names = market.population.names
        accounts, number = market.books.accounts, len(self.names)
        key = accounts.lender.astype(np.int64) * number + accounts.borrower
        pairs, self._pair = np.unique(key, return_inverse=True)
        self.lender, self.borrower = pairs // number, pairs % number
        self.prices: list[Floats] = []
        """Published prices of each day."""
        self.unmet: dict[int, list[str]] = {}
        """Who did not meet a call, by day."""
        self.defaults: list[tuple[int, int, int]] = []
        """Day, row and cause of each default."""
        self._kept: list[tuple[npt.NDArray[Any], ...]] = []
        self._moves = accounts.deliveries.copy(), accounts.returns.copy()

    @property
    def exposure(self) -> Floats:
        """What each pair has lent today, in money."""
        return self._sum(self.market.books.accounts.exposure) * self.market.unit

    def opening(self) -> dict[str, Any]:
        """What stays the same in a run. Edges are pairs, rows of `names`."""
        market, scenario = self.market, self.market.scenario
        trigger = scenario.agreement.trigger
        # Loans under agreements of their own have thresholds of their own: there is no one band.
        named = [agreement.trigger for agreement in scenario.agreements.values()]
        return {
            "title": self.title,
            "names": self.names,
            "roles": market.population.roles,
            "sizes": _rounded(market.population.size, 4),
            "lender": self.lender.tolist(),
            "borrower": self.borrower.tolist(),
            "tokens": market.tokens,
            "currency": scenario.money.currency,
            "trigger": trigger if set(named) <= {trigger} else None,
            "loans": len(market.books.loans),
            "causes": CAUSES,
        }

    def look(self) -> dict[str, Any]:
        """The day that the market has just ended; to be called once a day."""
        market, day = self.market, self.market.day
        accounts, unit = market.books.accounts, market.unit
        self.prices.append(np.asarray(market.prices[:-1] * unit, np.float64))
        live, closing = accounts.state == ACTIVE, accounts.state == LIQUIDATING
        gap, _ = gaps_and_exposures(market.books, NO_CLOSE_OUTS)
        exposure = self._sum(np.where(live, accounts.exposure, 0))
        unmet = np.where(live, accounts.unmet, 0)
        delivered = accounts.deliveries > self._moves[0]
        returned = accounts.returns > self._moves[1]
        self._moves = accounts.deliveries.copy(), accounts.returns.copy()
        flags = np.zeros(len(self.lender), np.int64)
        for bit, happened in (
            (DELIVERED, delivered),
            (RETURNED, returned),
            (UNMET, unmet > 0),
            (CLOSING, closing),
        ):
            flags += bit * (self._sum(happened) > 0)
        standing = market.standing
        new = np.flatnonzero(standing.default_day == day)
        self.defaults += [(day, int(row), int(standing.default_cause[row])) for row in new]
        missing = np.bincount(accounts.borrower, unmet, len(self.names)) * unit
        short = [self.names[row] for row in np.argsort(-missing, kind="stable") if missing[row] > 0]
        if short:
            self.unmet[day] = short
        stats = measures.today(market)
        wallets = market.ledger.wallets[: len(self.names)]
        self._keep(gap, wallets)
        limited = standing.equity < UNLIMITED
        return {
            "stats": [None if value != value else float(value) for value in stats.values()],
            "prices": _rounded(self.prices[-1], 6),
            "exposure": _whole(self._sum(accounts.exposure) * unit),
            "value": _whole(self._sum(accounts.value) * unit),
            "coverage": _whole(_coverage(exposure, self._sum(np.where(live, gap, 0)))),
            "flags": flags.tolist(),
            "unmet": _sparse(self._sum(unmet) * unit),
            "loans": self._sum(accounts.open_loans).astype(np.int64).tolist(),
            "wallet": _whole((wallets @ market.prices) * unit),
            "equity": [
                round(value) if known else None
                for value, known in zip(
                    (standing.equity * unit).tolist(), limited.tolist(), strict=True
                )
            ]
            if limited.any()
            else [],
            "losses": _sparse(np.asarray(standing.losses * unit)),
            "defaults": [[row, cause] for at, row, cause in self.defaults if at == day],
            "events": self._events(day),
            "words": sentence(
                [self.names[row] for row in new],
                short,
                stats,
                market.scenario.money.currency,
            ),
        }

    def inspect(self, day: int, row: int) -> dict[str, Any]:
        """A participant on a day: what it owns and owes, its largest loans, and its events."""
        market = self.market
        loans, accounts = market.books.loans, market.books.accounts
        gap, owed, wallet, state, maturity, lent, sheets, leverage = self._kept[day]
        price = np.append(self.prices[day], market.unit)
        a = loans.account
        mine = (accounts.lender[a] == row) | (accounts.borrower[a] == row)
        rows = np.flatnonzero(mine & ((state == OPEN_LOAN) | (state == PENDING)))
        worth = np.where(state[rows] == OPEN_LOAN, lent[rows] @ price, 0.0)
        order = np.argsort(-worth, kind="stable")
        told = []
        for loan, value in zip(
            rows[order][:MOST_ROWS].tolist(), worth[order].tolist(), strict=False
        ):
            account = a[loan]
            lends = accounts.lender[account] == row
            other = accounts.borrower[account] if lends else accounts.lender[account]
            ends = int(maturity[loan])
            whole = owed[account] * market.unit
            covered = 1 + gap[account] * market.unit / whole if whole else None
            told.append(
                [
                    int(loans.loan_id[loan]),
                    "lends to" if lends else "borrows from",
                    self.names[other],
                    round(value),
                    None if covered is None else round(float(covered), 4),
                    "open" if ends == NEVER else f"day {ends}",
                    LOAN_STATES[state[loan]],
                ]
            )
        held = np.flatnonzero(wallet[row])
        return {
            "day": day,
            "row": row,
            "loans": told,
            "number": len(rows),
            "wallet": [
                [market.tokens[token], int(wallet[row, token]), round(value)]
                for token, value in zip(
                    held.tolist(), (wallet[row] * price)[held].tolist(), strict=True
                )
            ],
            "sheet": sheet_of(sheets[row] * market.unit, leverage[row]) if len(sheets) else None,
            "events": self._events(day, self.names[row]),
        }

    def _keep(self, gap: Floats, wallets: Ints) -> None:
        """Remember of the day what `inspect` needs, once for all days on which it is the same."""
        books, sheet = self.market.books, self.market.sheet
        now: tuple[npt.NDArray[Any], ...] = (
            gap.astype(np.float32),
            np.asarray(books.accounts.exposure, np.float32),
            wallets.copy(),
            np.asarray(books.loans.state, np.int8),
            np.asarray(books.loans.maturity, np.int32),
            np.asarray(books.lent),
            sheet.lines.copy() if sheet else np.zeros((0, 0)),
            sheet.leverage if sheet else np.zeros(0),
        )
        before = self._kept[-1] if self._kept else ()
        same = [bool(before) and np.array_equal(before[i], now[i]) for i in range(len(now))]
        self._kept.append(
            tuple(before[i] if same[i] else np.array(now[i]) for i in range(len(now)))
        )

    def _events(self, day: int, name: str = "") -> dict[str, Any]:
        """The events of a day, newest first; of many the rare kinds first of all."""
        events = self.market.events_frame(since=day)
        events = events[events["day"] == day]
        if name:
            events = events[(events[["lender", "borrower", "party"]] == name).any(axis=1)]
        number, counts = len(events), events["event"].value_counts().to_dict()
        if number > MOST_ROWS:
            common = events["event"].isin(_COMMON).to_numpy()
            rare, rest = np.flatnonzero(~common), np.flatnonzero(common)
            kept = np.sort(np.concatenate([rest, rare])[-MOST_ROWS:])
            events = events.iloc[kept]
        columns = ["event", "lender", "borrower", "party", "loan_id", "token", "cause"]
        columns += ["quantity", "value"]
        listed = [events[column].tolist() for column in columns]
        listed[-1] = [round(value) for value in listed[-1]]
        rows = [list(row) for row in zip(*listed, strict=True)][::-1]
        return {"number": number, "counts": counts, "rows": rows}

    def _sum(self, of_accounts: npt.NDArray[Any]) -> Floats:
        """Sum over the accounts of each pair."""
        weights = of_accounts.astype(np.float64)
        return np.bincount(self._pair, weights, len(self.lender)).astype(np.float64, copy=False)


def opening(watches: Sequence[Watch], layout: str = "") -> dict[str, Any]:
    """What a page is sent once a run: the markets, where everybody stands, and what is charted."""
    market = watches[0].market
    usual = usual_layout(market.population.roles)
    layout = layout or usual
    return {
        "markets": [watch.opening() for watch in watches],
        "places": places(watches[0], layout),
        "layout": layout,
        "usual": usual,
        "dates": [f"{day:%A %d %B %Y}" for day in market.days],
        "stats": measures.described(market),
        "charts": measures.CHARTS,
        "figures": measures.FIGURES,
        "differences": measures.DIFFERENCES,
    }


def sheet_of(lines: Floats, leverage: float) -> dict[str, Any]:
    """A balance sheet as it is shown: its lines that are not empty, and what they come to.

    Args:
        lines: in money, in the order of `LINES`.
        leverage: infinite without equity.
    """
    split = len(ASSETS)
    told = [
        [name.replace("_", " "), round(value)]
        for name, value in zip(LINES, lines.tolist(), strict=True)
    ]
    assets = float(lines[:split].sum())
    return {
        "assets": [line for line in told[:split] if line[1]],
        "liabilities": [line for line in told[split:] if line[1]],
        "total": round(assets),
        "equity": round(assets - float(lines[split:].sum())),
        "leverage": round(leverage, 2) if np.isfinite(leverage) else None,
    }


def places(watch: Watch, layout: str) -> list[list[float]]:
    """Where the participants of a market stand in a layout."""
    roles = watch.market.population.roles
    where = positions(roles, watch.lender, watch.borrower, watch.exposure, layout)
    return np.round(where, 4).tolist()


def _coverage(exposure: Floats, gap: Floats) -> Floats:
    """Collateral after haircut over exposure, in hundredths of a per cent; -1 without a loan."""
    return np.divide(
        1e4 * (exposure + gap), exposure, out=np.full(len(exposure), -1.0), where=exposure > 0
    )


def _whole(values: npt.NDArray[Any]) -> list[int]:
    return np.rint(values).astype(np.int64).tolist()


def _rounded(values: npt.NDArray[Any], digits: int) -> list[float]:
    return np.round(np.asarray(values, np.float64), digits).tolist()


def _sparse(values: Floats) -> dict[str, int]:
    """Values other than zero, by row."""
    rows = np.flatnonzero(values)
    return {str(row): value for row, value in zip(rows.tolist(), _whole(values[rows]), strict=True)}
