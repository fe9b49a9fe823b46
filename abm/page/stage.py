"""The markets that a page shows side by side, stepped together."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING, Literal

from abm.page.settings import Settings
from abm.page.view import DayView, Watch

if TYPE_CHECKING:
    import pandas as pd

    from abm.model import CollateralMarket

Format = Literal["csv", "parquet"]


class Stage:
    """One market, or two on the same paths. Safe to use from several threads."""

    def __init__(self, settings: Settings):
        """Build the markets that the settings mean.

        Raises:
            InputError: they mean none.
        """
        self.settings = settings
        self._lock = Lock()
        self._markets = settings.markets()
        self._watches = [
            Watch(market, title)
            for market, title in zip(self._markets, settings.titles(), strict=True)
        ]

    @property
    def running(self) -> bool:
        """Whether there are days left."""
        return all(market.running for market in self._markets)

    def step(self) -> None:
        """Simulate one day of all markets."""
        with self._lock:
            for market in self._markets:
                market.step()

    def look(self) -> tuple[DayView, ...]:
        """What can be seen of the markets now."""
        with self._lock:
            return tuple(watch.look() for watch in self._watches)

    def tables(self, form: Format = "csv") -> bytes:
        """All tables of the run so far as a ZIP archive, a folder for each market.

        Beside them `columns.csv` says what every column means, and `settings.json` how the run was
        made.
        """
        buffer = io.BytesIO()
        with self._lock, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("settings.json", json.dumps(asdict(self.settings), indent=2) + "\n")
            archive.writestr("columns.csv", _meanings())
            for market, title in zip(self._markets, self.settings.titles(), strict=True):
                folder = title.lower().replace(" ", "-")
                for name, frame in _tables(market):
                    content = (
                        frame.to_csv(index=False)
                        if form == "csv"
                        else frame.to_parquet(index=False)
                    )
                    archive.writestr(f"{folder}/{name}.{form}", content)
        return buffer.getvalue()

    def release(self) -> None:
        """Let go of the markets."""
        with self._lock:
            for market in self._markets:
                market.release()


def _tables(market: CollateralMarket) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "days", market.days_frame()
    yield "loans", market.loans_frame()
    yield "participants", market.participants_frame()
    yield "events", market.events_frame()


def _meanings() -> str:
    """What the columns mean, as CSV."""
    import pandas as pd

    from abm.tables.columns import EVENTS, LOANS, PARTICIPANTS, day_columns

    tables = {"days": day_columns(), "loans": LOANS, "participants": PARTICIPANTS, "events": EVENTS}
    rows = [
        (table, name, column.unit, column.meaning)
        for table, columns in tables.items()
        for name, column in columns.items()
    ]
    return str(
        pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"]).to_csv(index=False)
    )
