"""A local server that plays Yahoo's chart endpoint, and the real yfinance pointed at it."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import yfinance
from curl_cffi import requests

from scenarios.prices import yahoo_client

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "tse_closes_case1_case2.csv"


@pytest.fixture(scope="session")
def tokyo_file() -> Path:
    """Real Tokyo closes of two of the paper's windows, which may not be in the repository."""
    if not SHARED.is_file():
        pytest.skip("the Tokyo closes are not beside this checkout")
    return SHARED


@dataclass
class Listing:
    """A ticker: the closes as they were traded, and its splits."""

    traded: pd.Series
    splits: list[tuple[date, int, int]] = field(default_factory=list)
    timezone: str = "Asia/Tokyo"
    dividend: float = 0.0
    currency: str | None = "JPY"
    paid: list[tuple[date, float]] = field(default_factory=list)
    """Dividends as they were paid for a share, by ex-date."""

    def restated(self) -> pd.Series:
        """What Yahoo shows: every past close divided by each later split."""
        shown = self.traded.astype(float).copy()
        for day, new, old in self.splits:
            shown[shown.index < pd.Timestamp(day)] *= old / new
        return shown


class Yahoo:
    """Yahoo as far as yfinance asks for prices."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self.failures: dict[str, list[str]] = {}
        self.requests: list[str] = []

    def lists(self, ticker: str, traded: pd.Series, *args: Any, **kwargs: Any) -> Listing:
        """Put a ticker on the list (`Listing`)."""
        self.listings[ticker] = Listing(traded, *args, **kwargs)
        return self.listings[ticker]

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        """Status and body for a request."""
        if path.endswith("/v1/test/getcrumb"):
            return 200, "crumb"
        if "/v8/finance/chart/" not in path:
            return 404, "not found"
        ticker = path.rsplit("/", 1)[1]
        self.requests.append(ticker)
        if self.failures.get(ticker):
            failure = self.failures[ticker].pop(0)
            if failure == "429":
                return 429, "Too Many Requests"
            if failure == "503":
                return 503, "<html>Service Unavailable</html>"
            if failure == "page":
                return 200, "<html>something else</html>"
        if ticker not in self.listings:
            return 404, _error("Not Found", "No data found, symbol may be delisted")
        return 200, self._chart(self.listings[ticker], query)

    def _chart(self, listing: Listing, query: dict[str, list[str]]) -> str:
        shown = listing.restated()
        if "period1" in query:
            first, last = (
                datetime.fromtimestamp(int(query[key][0]), UTC).replace(tzinfo=None)
                for key in ("period1", "period2")
            )
            offset = timedelta(hours=9) if listing.timezone == "Asia/Tokyo" else timedelta()
            first, last = first + offset, last + offset
            shown = shown[(shown.index >= first) & (shown.index < last)]
            if shown.empty:
                return _error("Bad Request", "Data doesn't exist for startDate, endDate")
        else:
            shown, first, last = shown.iloc[-1:], datetime(1900, 1, 1), datetime(2100, 1, 1)
        stamps = [
            int(day.tz_localize(listing.timezone).timestamp()) + 9 * 3600 for day in shown.index
        ]
        closes = [None if pd.isna(price) else float(price) for price in shown]
        adjusted = [None if price is None else price - listing.dividend for price in closes]
        splits = {
            str(number): {
                "date": int(pd.Timestamp(day, tz=listing.timezone).timestamp()) + 9 * 3600,
                "numerator": new,
                "denominator": old,
                "splitRatio": f"{new}:{old}",
            }
            for number, (day, new, old) in enumerate(listing.splits)
            if first <= datetime.combine(day, datetime.min.time()) < last
        }
        dividends = {
            str(number): {
                "date": int(pd.Timestamp(day, tz=listing.timezone).timestamp()) + 9 * 3600,
                "amount": amount
                * math.prod(old / new for on, new, old in listing.splits if on > day),
            }
            for number, (day, amount) in enumerate(listing.paid)
            if first <= datetime.combine(day, datetime.min.time()) < last
        }
        result: dict[str, Any] = {
            "meta": {
                "currency": listing.currency,
                "exchangeTimezoneName": listing.timezone,
                "instrumentType": "EQUITY",
                "priceHint": 2,
                "validRanges": ["1d", "max"],
                "dataGranularity": "1d",
                "regularMarketTime": stamps[-1],
            },
            "timestamp": stamps,
            "events": {"splits": splits, "dividends": dividends},
            "indicators": {
                "quote": [
                    dict.fromkeys(("open", "high", "low", "close"), closes)
                    | {"volume": [1000] * len(closes)}
                ],
                "adjclose": [{"adjclose": adjusted}],
            },
        }
        return json.dumps({"chart": {"result": [result], "error": None}})


def _error(code: str, description: str) -> str:
    error = {"code": code, "description": description}
    return json.dumps({"chart": {"result": None, "error": error}})


class LocalSession(requests.Session):
    """The session that yfinance uses, with every address turned to a local one."""

    port = 0

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """The request, to the local server."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        local = f"http://127.0.0.1:{self.port}/{parts.netloc}{parts.path}{query}"
        return super().request(method, local, *args, **kwargs)


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Yahoo]:
    """Yahoo on this machine: fill `listings`, and `failures` by ticker."""
    site = Yahoo()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = site.answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    session = LocalSession()
    session.port = server.server_port
    monkeypatch.setattr(yahoo_client, "new_session", lambda: session)
    monkeypatch.setattr(yahoo_client, "PAUSES", (0.0, 0.0, 0.0))
    yfinance.set_tz_cache_location(str(tmp_path / "yfinance"))
    yield site
    server.shutdown()
    server.server_close()
    thread.join()
