"""One visitor: the settings, the run, and what is sent of it.

The browser asks, one message at a time; a thread answers, so that a long day leaves the page alive.
The browser keeps the days and asks for the next one when it has shown the last: nobody simulates
ahead of who looks, and what is shown is always one day.
"""

from __future__ import annotations

import gc
import io
import json
import logging
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from abm.page.settings import Offer, Settings
from abm.page.watch import Watch, opening, places
from abm.page.words import walk
from analysis.layouts import LAYOUTS
from scenarios.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from abm.model import CollateralMarket

log = logging.getLogger(__name__)

MOST_SESSIONS = 20
"""Markets are kept for so many visitors at a time."""

AWAY = 90.0
"""Seconds without a sign of life after which a visitor's place may go to another."""

Send = Callable[[dict[str, Any], list[bytes]], None]


class Session:
    """The run of one visitor. Make one for each browser session, never one for all."""

    _open: list[Session] = []  # noqa: RUF012
    _places = threading.Lock()

    def __init__(self, offer: Offer, send: Send, shown: Callable[[Any], None] = lambda _: None):
        """Serve a visitor.

        Args:
            offer: what may be chosen.
            send: takes each message for the browser, and bytes beside it.
            shown: is told of the market after every day on which components of one's own are
                looked at, and of none when it is gone.
        """
        self.offer, self._send, self._shown = offer, send, shown
        self.settings = Settings(offer.first)
        self.markets: list[CollateralMarket] = []
        self.watches: list[Watch] = []
        self.day = -1
        self.heard = time.monotonic()
        self._run = 0
        self._broken = False
        self._own = False
        self._work = threading.Lock()

    def receive(self, message: Any) -> None:
        """Take a message from the browser; answers come from another thread."""
        self.heard = time.monotonic()
        message = message if isinstance(message, dict) else {}
        answer = getattr(self, f"_do_{message.get('do')}", None)
        if answer is None:
            return
        if message.get("do") == "open":
            self._run += 1
        run = self._run
        threading.Thread(target=self._answer, args=(answer, message, run), daemon=True).start()

    def close(self) -> None:
        """Let go of the run, and of the place."""
        self._run += 1
        with Session._places:
            if self in Session._open:
                Session._open.remove(self)
        with self._work:
            self._release()

    def _answer(self, answer: Callable[[Any, int], None], message: Any, run: int) -> None:
        with self._work:
            if run != self._run:
                return
            try:
                answer(message, run)
            except InputError as error:
                self._tell("error", text=str(error))
            except Exception as error:
                log.exception("a message could not be answered")
                self._tell("error", text=f"{type(error).__name__}: {error}")

    def _tell(self, what: str, buffers: list[bytes] | None = None, **told: Any) -> None:
        self._send({"what": what, "run": self._run, **told}, buffers or [])

    def _do_open(self, message: Any, run: int) -> None:
        """Build a market with the settings sent, and show the day on which its loans are opened."""
        if not self._takes_a_place():
            self._tell("full", most=MOST_SESSIONS)
            return
        try:
            settings = Settings.of(message.get("settings"), self.offer.first)
            controls = self.offer.shown(settings)
            markets = self.offer.markets(settings)
        except InputError as error:
            known = self.offer.shown(Settings(self._known(message)))
            self._tell("refused", text=str(error), controls=known, scenarios=self.offer.scenarios())
            return
        self._release()
        self.settings, self.markets, self.day, self._broken = settings, markets, 0, False
        self.watches = [
            Watch(market, title)
            for market, title in zip(markets, self.offer.titles(settings), strict=True)
        ]
        layout = message.get("layout")
        self._tell(
            "run",
            settings=asdict(settings),
            controls=controls,
            scenarios=self.offer.scenarios(),
            layouts=list(LAYOUTS.items()),
            **opening(self.watches, layout if layout in tuple(LAYOUTS) else ""),
        )
        self._show()
        self._advance(message.get("to"), run)

    def _known(self, message: Any) -> str:
        """The scenario that was asked for, if there is one, for controls to be shown again."""
        sent = message.get("settings")
        name = sent.get("scenario") if isinstance(sent, dict) else None
        try:
            self.offer.base(str(name))
        except InputError:
            return self.offer.first
        return str(name)

    def _do_advance(self, message: Any, run: int) -> None:
        """Simulate up to a day, and show each."""
        self._advance(message.get("to"), run)

    def _do_walk(self, message: Any, run: int) -> None:
        """Simulate to the end, and tell which days matter."""
        self._advance(10**6, run)
        if self.watches and run == self._run and not self._broken:
            self._tell("walk", stops=[stop._asdict() for stop in walk(self.watches[0])])

    def _do_layout(self, message: Any, run: int) -> None:
        """Place the participants anew."""
        if self.watches and (name := message.get("name")) in tuple(LAYOUTS):
            self._tell("places", places=places(self.watches[0], name), layout=name)

    def _do_own(self, message: Any, run: int) -> None:
        """Draw components of one's own while they are looked at."""
        self._own = message.get("on") is True
        if self._own and self.markets:
            self._shown(self.markets[0])

    def _do_inspect(self, message: Any, run: int) -> None:
        """Tell of a participant on a day, in each market."""
        day, row = message.get("day"), message.get("row")
        whole = isinstance(day, int) and isinstance(row, int)
        if (
            whole
            and self.watches
            and 0 <= day <= self.day
            and 0 <= row < len(self.watches[0].names)
        ):
            told = [watch.inspect(day, row) for watch in self.watches]
            self._tell("inspected", day=day, row=row, markets=told)

    def _do_download(self, message: Any, run: int) -> None:
        """All tables of the run so far."""
        form = message.get("form")
        if self.markets and form in ("csv", "parquet"):
            self._tell("file", [self.tables(form)], name=f"collateral-run-{form}.zip")

    def tables(self, form: str) -> bytes:
        """All tables of the run so far as a ZIP archive, a folder for each market.

        Beside them `columns.csv` says what every column means, and `settings.json` how the run was
        made.

        Args:
            form: `csv` or `parquet`.
        """
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("settings.json", json.dumps(asdict(self.settings), indent=2) + "\n")
            archive.writestr("columns.csv", _meanings())
            titles = self.offer.titles(self.settings)
            for at, (market, title) in enumerate(zip(self.markets, titles, strict=True)):
                words = "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-")
                folder = f"{'ab'[at]}-{words}" if len(titles) > 1 else words
                for name, frame in _tables(market):
                    content = (
                        frame.to_csv(index=False)
                        if form == "csv"
                        else frame.to_parquet(index=False)
                    )
                    archive.writestr(f"{folder}/{name}.{form}", content)
        return buffer.getvalue()

    def _advance(self, to: Any, run: int) -> None:
        last = len(self.markets[0].days) - 1 if self.markets else -1
        to = min(to, last) if isinstance(to, int) and not isinstance(to, bool) else 0
        while self.day < to and run == self._run and not self._broken:
            try:
                for market in self.markets:
                    market.step()
                self.day += 1
                self._show()
            except Exception as error:
                self._broken = True
                what = str(error)
                if not isinstance(error, InputError):
                    log.exception("a day could not be simulated")
                    what = f"{type(error).__name__}: {error}"
                self._tell(
                    "broken",
                    text=f"Day {self.markets[0].day} could not be simulated: {what}. The days"
                    " before it stay; Reset starts anew.",
                )

    def _show(self) -> None:
        """Send the newest day of all markets, as one message."""
        told = [watch.look() for watch in self.watches]
        if self._own:
            self._shown(self.markets[0])
        self._tell("day", day=self.day, markets=told)

    def _takes_a_place(self) -> bool:
        """Whether there is a place for this visitor, if need be of one who has left."""
        gone = None
        with Session._places:
            if self in Session._open:
                return True
            if len(Session._open) >= MOST_SESSIONS:
                quiet = min(Session._open, key=lambda session: session.heard)
                if time.monotonic() - quiet.heard < AWAY:
                    return False
                Session._open.remove(gone := quiet)
            Session._open.append(self)
        if gone is not None:
            gone.close()
        return True

    def _release(self) -> None:
        for market in self.markets:
            market.release()
        self.markets, self.watches, self.day = [], [], -1
        self._shown(None)
        # A market and its agents name each other, and hold megabytes until they are found.
        gc.collect()


def _tables(market: CollateralMarket) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "days", market.days_frame()
    yield "loans", market.loans_frame()
    yield "participants", market.participants_frame()
    yield "events", market.events_frame()


def _meanings() -> str:
    """What the columns mean, as CSV."""
    import pandas as pd

    from abm.tables.meanings import EVENTS, LOANS, PARTICIPANTS, day_columns

    tables = {"days": day_columns(), "loans": LOANS, "participants": PARTICIPANTS, "events": EVENTS}
    rows = [
        (table, name, told.unit, told.meaning)
        for table, columns in tables.items()
        for name, told in columns.items()
    ]
    frame = pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])
    return str(frame.to_csv(index=False))
