"""The real yfinance against a local Yahoo: bases, failures, retries, and what is kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from curl_cffi.requests import exceptions

from scenarios.errors import InputError
from scenarios.prices import yahoo_client
from scenarios.prices.store import load_panel, save_panel, sidecar_of
from scenarios.prices.yahoo import (
    PAPER_BASIS,
    PAPER_TICKERS,
    fetch,
    paper_prices,
)
from scenarios.prices.yahoo_client import Split, ask_yahoo

if TYPE_CHECKING:
    from tests.scenarios.prices.conftest import Yahoo

WINDOW = (date(2010, 3, 1), date(2010, 3, 13))
DAYS = pd.bdate_range("2010-03-01", "2010-03-12")
SPLIT_DAY = date(2010, 3, 8)


def closes(*prices: float) -> pd.Series:
    return pd.Series(prices or range(1000, 1000 + 10 * len(DAYS), 10), DAYS, dtype=float)


@pytest.fixture
def eventful(yahoo: Yahoo) -> Yahoo:
    """A stock with a consolidation and a split before its window, one inside and one after."""
    splits = [(date(2005, 1, 4), 1, 10), (date(2007, 6, 1), 3, 1), (SPLIT_DAY, 2, 1)]
    before, after = [1000.0] * 5, [505.0] * 5
    yahoo.lists("1111.T", closes(*before, *after), [*splits, (date(2024, 6, 27), 5, 1)])
    return yahoo


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        # Today's basis: Yahoo's own numbers, all closes as if the last split had always been.
        (date(2025, 1, 1), [100.0] * 5 + [101.0] * 5),
        # After the split inside the window, before the last one.
        (date(2020, 1, 1), [500.0] * 5 + [505.0] * 5),
        # On the very day of the split: it has happened.
        (SPLIT_DAY, [500.0] * 5 + [505.0] * 5),
        # Before it: the later closes, too, count the old shares.
        (date(2010, 3, 1), [1000.0] * 5 + [1010.0] * 5),
        (date(2006, 1, 1), [3000.0] * 5 + [3030.0] * 5),
        # Before the consolidation ten old shares were one new.
        (date(2000, 1, 1), [300.0] * 5 + [303.0] * 5),
    ],
)
def test_closes_are_on_the_basis_asked_for(
    eventful: Yahoo, basis: date, expected: list[float]
) -> None:
    panel = fetch(["1111.T"], *WINDOW, basis).panel
    np.testing.assert_array_equal(panel.close[:, 0], expected)
    np.testing.assert_array_equal(panel.dates, DAYS)


@pytest.mark.parametrize(("basis", "shares"), [(date(2025, 1, 1), 1000), (date(2020, 1, 1), 200)])
def test_volumes_count_the_shares_of_the_same_basis(
    eventful: Yahoo, basis: date, shares: int
) -> None:
    """Yahoo tells 1000 shares of today; before the last split, of five for one, they were 200."""
    panel = fetch(["1111.T"], *WINDOW, basis).panel
    assert panel.volume is not None
    assert (panel.volume == shares).all()


def test_the_whole_split_history_is_read_although_the_window_has_one(eventful: Yahoo) -> None:
    history = ask_yahoo("1111.T", *WINDOW)
    assert [split.ratio for split in history.splits] == [0.1, 3.0, 2.0, 5.0]
    assert history.splits[2] == Split(SPLIT_DAY, 2.0)


def test_restated_closes_lose_their_rounding_noise(yahoo: Yahoo) -> None:
    listing = yahoo.lists("4901.T", closes(*[2810.0] * 10), [(date(2024, 3, 28), 3, 1)])
    # Yahoo hands out single precision.
    listing.restated = lambda: (listing.traded / 3).astype("float32").astype(float)  # type: ignore[method-assign]
    panel = fetch(["4901.T"], *WINDOW, PAPER_BASIS, decimals=0).panel
    assert (panel.close == 2810.0).all()


def test_dividends_are_adjusted_only_on_request(yahoo: Yahoo) -> None:
    yahoo.lists("1.T", closes(), dividend=7.0)
    plain = fetch(["1.T"], *WINDOW, date(2025, 1, 1)).panel
    adjusted = fetch(["1.T"], *WINDOW, date(2025, 1, 1), adjust_dividends=True).panel
    np.testing.assert_array_equal(plain.close[:, 0], closes())
    np.testing.assert_allclose(adjusted.close, plain.close - 7.0)


def test_dividends_belong_to_who_holds_before_the_ex_date(yahoo: Yahoo) -> None:
    """On the basis of the prices: 30 for an old share are 15 for each of the two it became."""
    paid = [(DAYS[0].date(), 5.0), (date(2010, 3, 3), 30.0), (date(2010, 3, 8), 8.0)]
    yahoo.lists("1.T", closes(), [(date(2024, 6, 27), 2, 1)], paid=paid)
    yahoo.lists("2.T", closes())
    for basis, ratio in ((date(2025, 1, 1), 1), (date(2020, 1, 1), 2)):
        found = fetch({"1.T": "one", "2.T": "two"}, *WINDOW, basis).dividends
        assert found.to_numpy().tolist() == [
            [date(2010, 3, 2), "one", 15.0 * ratio, date(2010, 3, 3)],
            # A Monday, and the Friday before it.
            [date(2010, 3, 5), "one", 4.0 * ratio, date(2010, 3, 8)],
        ]


def test_names_and_details_go_with_the_panel(eventful: Yahoo) -> None:
    fetched = fetch({"1111.T": "eventful"}, *WINDOW, date(2006, 1, 1))
    assert fetched.panel.tokens == ("eventful",)
    assert fetched.details["basis"] == "2006-01-01"
    ratios = [split["ratio"] for split in fetched.details["splits_undone"]["1111.T"]]
    assert ratios == [3.0, 2.0, 5.0]
    assert {"yfinance", "retrieved_at", "tickers"} <= fetched.details.keys()


class TestFailuresAreToldApart:
    def refused(self, *tickers: str) -> str:
        with pytest.raises(InputError) as caught:
            fetch(tickers or ["1.T"], *WINDOW, date(2025, 1, 1))
        message = str(caught.value)
        assert "\n" not in message
        return message

    def test_unknown_ticker(self, yahoo: Yahoo) -> None:
        assert "NOPE: unknown ticker" in self.refused("NOPE")

    def test_rate_limit(self, yahoo: Yahoo) -> None:
        yahoo.lists("1.T", closes())
        yahoo.failures["1.T"] = ["429"] * 99
        assert "1.T: rate limit" in self.refused()

    def test_nothing_in_the_window(self, yahoo: Yahoo) -> None:
        late = pd.bdate_range("2020-01-01", "2020-02-01")
        yahoo.lists("1.T", pd.Series(100.0, late))
        assert "1.T: no prices from 2010-03-01 to 2010-03-13" in self.refused()

    def test_a_missing_close(self, yahoo: Yahoo) -> None:
        prices = closes()
        prices.iloc[3] = np.nan
        yahoo.lists("1.T", prices)
        assert "1.T: partial answer, no close on 2010-03-04 (1 of 10 days)" in self.refused()

    def test_a_missing_day_shows_beside_another_ticker_of_the_exchange(self, yahoo: Yahoo) -> None:
        yahoo.lists("1.T", closes().drop(DAYS[3]))
        yahoo.lists("2.T", closes())
        message = self.refused("1.T", "2.T")
        assert "1.T: partial answer, no close on 2010-03-04, which 2.T has" in message

    def test_exchanges_with_other_holidays_keep_their_common_days(self, yahoo: Yahoo) -> None:
        yahoo.lists("1.T", closes().drop(DAYS[3]))
        yahoo.lists("2", closes(), timezone="UTC")
        panel = fetch(["1.T", "2"], *WINDOW, date(2025, 1, 1)).panel
        np.testing.assert_array_equal(panel.dates, DAYS.delete(3))

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (exceptions.Timeout, "1.T: Yahoo does not answer in time"),
            (exceptions.DNSError, "no network"),
            (exceptions.ConnectionError, "no network"),
            (exceptions.TooManyRedirects, "1.T: Yahoo cannot be reached"),
        ],
    )
    def test_errors_of_the_connection(
        self,
        yahoo: Yahoo,
        monkeypatch: pytest.MonkeyPatch,
        error: type[Exception],
        message: str,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error("made up")

        monkeypatch.setattr(yahoo_client.new_session(), "request", fail)
        assert message in self.refused()

    def test_a_window_that_is_not_covered(self, yahoo: Yahoo) -> None:
        yahoo.lists("1.T", closes())
        with pytest.raises(InputError, match="partial answer, 2010-03-01 to 2010-03-12 of"):
            fetch(["1.T"], date(2009, 12, 1), date(2010, 3, 13), date(2025, 1, 1))

    def test_a_page_that_is_no_chart(self, yahoo: Yahoo) -> None:
        yahoo.failures["1.T"] = ["page"] * 99
        assert "1.T: Yahoo's answer cannot be read" in self.refused()

    def test_no_network(self, yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch) -> None:
        session = yahoo_client.new_session()
        monkeypatch.setattr(session, "port", 1)
        assert "no network" in self.refused()

    def test_the_settings_of_yfinance_are_left_alone(self, yahoo: Yahoo) -> None:
        import yfinance

        self.refused("NOPE")
        assert yfinance.config.debug.hide_exceptions is True


class TestRetries:
    @pytest.mark.parametrize("failure", ["429", "503", "page"])
    def test_what_may_pass_is_tried_again(self, yahoo: Yahoo, failure: str) -> None:
        yahoo.lists("1.T", closes())
        # One attempt is two requests to yfinance, which changes its cookie in between.
        yahoo.failures["1.T"] = [failure] * 2
        panel = fetch(["1.T"], *WINDOW, date(2025, 1, 1)).panel
        np.testing.assert_array_equal(panel.close[:, 0], closes())

    def test_pauses_increase_and_end(self, yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr(yahoo_client.time, "sleep", waited.append)
        monkeypatch.setattr(yahoo_client, "PAUSES", (1.0, 4.0, 9.0))
        yahoo.failures["1.T"] = ["429"] * 99
        with pytest.raises(InputError):
            ask_yahoo("1.T", *WINDOW)
        assert waited == [1.0, 4.0, 9.0]

    def test_an_unknown_ticker_is_not_asked_for_again(
        self, yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(yahoo_client.time, "sleep", lambda _: pytest.fail("waited"))
        with pytest.raises(InputError):
            ask_yahoo("NOPE", *WINDOW)


class TestThePapersPrices:
    @pytest.fixture(autouse=True)
    def _own_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("scenarios.prices.yahoo.paper_file", lambda: tmp_path / "kept.csv")

    @pytest.fixture
    def tokyo(self, yahoo: Yahoo) -> Yahoo:
        """Made-up closes with the paper's first-day sums, and the five tickers' real splits."""
        days = pd.bdate_range("2008-09-24", "2009-09-09")
        sums = pd.Series(np.nan, days)
        for day, total in {
            "2008-09-24": 7995,
            "2008-10-01": 7995,
            "2008-11-03": 5999,
            "2009-03-02": 4323,
            "2009-07-01": 7351,
        }.items():
            sums[day] = total
        sums = sums.ffill()
        others = {"8306.T": 0.1, "8604.T": 0.15, "4901.T": 0.3, "7013.T": 0.2}
        traded = {ticker: (sums * share).round() for ticker, share in others.items()}
        traded["8031.T"] = sums - sum(traded.values())
        after = {
            "4901.T": [(date(2024, 3, 28), 3, 1)],
            "8031.T": [(date(2024, 6, 27), 2, 1)],
            "7013.T": [(date(2017, 9, 27), 1, 10), (date(2025, 9, 29), 7, 1)],
        }
        for ticker, closes_then in traded.items():
            splits = after.get(ticker, [])
            # IHI was consolidated ten to one after the window: it then traded at a tenth.
            scale = 0.1 if ticker == "7013.T" else 1.0
            yahoo.lists(ticker, closes_then * scale, splits)
        return yahoo

    def test_are_on_the_papers_basis_and_kept(self, tokyo: Yahoo, tmp_path: Path) -> None:
        panel = paper_prices()
        assert panel.tokens == ("8306", "8604", "4901", "7013", "8031")
        assert panel.frame.loc["2009-07-01"].sum() == 7351
        asked = len(tokyo.requests)
        again = paper_prices()
        assert len(tokyo.requests) == asked
        np.testing.assert_array_equal(again.close, panel.close)
        record = json.loads((tmp_path / "kept.csv.json").read_text())
        assert record["basis"] == "2024-03-27"
        assert record["tickers"] == list(PAPER_TICKERS)

    def test_a_split_unknown_to_yahoo_is_named_and_nothing_kept(
        self, tokyo: Yahoo, tmp_path: Path
    ) -> None:
        # Yahoo's closes carry the split, its history does not mention it.
        shown = tokyo.listings["4901.T"].restated()
        tokyo.lists("4901.T", shown)
        with pytest.raises(InputError, match="4901 needs × 3: its 3:1 split of 2024-03-28"):
            paper_prices()
        assert not list(tmp_path.glob("kept*"))

    def test_a_cache_that_cannot_be_written_does_no_harm(
        self, tokyo: Yahoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        blocked = tmp_path / "file" / "kept.csv"
        monkeypatch.setattr("scenarios.prices.yahoo.paper_file", lambda: blocked)
        assert paper_prices().frame.loc["2009-07-01"].sum() == 7351

    def test_a_kept_file_that_was_changed_is_fetched_anew(
        self, tokyo: Yahoo, tmp_path: Path
    ) -> None:
        paper_prices()
        kept = tmp_path / "kept.csv"
        kept.write_text(kept.read_text()[:200])
        assert paper_prices().frame.loc["2009-07-01"].sum() == 7351


def test_a_stored_panel_comes_back(tmp_path: Path, eventful: Yahoo) -> None:
    fetched = fetch(["1111.T"], *WINDOW, date(2025, 1, 1))
    for name in ("prices.csv", "prices.parquet"):
        save_panel(fetched.panel, tmp_path / name, fetched.details)
        loaded = load_panel(tmp_path / name)
        assert loaded is not None
        np.testing.assert_array_equal(loaded.close, fetched.panel.close)
        np.testing.assert_array_equal(loaded.dates, fetched.panel.dates)
        assert json.loads(sidecar_of(tmp_path / name).read_text())["days"] == 10
    assert len(list(tmp_path.glob("*prices*"))) == 4, "no temporary file is left"


def test_tickers_in_two_currencies_are_not_put_into_one_file(yahoo: Yahoo) -> None:
    yahoo.lists("1.T", closes())
    yahoo.lists("US", closes(), currency="USD")
    with pytest.raises(InputError, match=r"yahoo: 1\.T is quoted in JPY, US in USD; .* apart"):
        fetch(["1.T", "US"], *WINDOW, date(2025, 1, 1))


@pytest.mark.parametrize("currency", ["JPY", None])
def test_the_record_says_the_currency_and_the_file_is_read_with_it(
    yahoo: Yahoo, tmp_path: Path, currency: str | None
) -> None:
    yahoo.lists("1.T", closes(), currency=currency)
    fetched = fetch(["1.T"], *WINDOW, date(2025, 1, 1))
    stated = (currency,) if currency else ()
    assert fetched.panel.currencies == stated
    save_panel(fetched.panel, tmp_path / "p.csv", fetched.details)
    assert json.loads(sidecar_of(tmp_path / "p.csv").read_text())["currency"] == currency
    kept = load_panel(tmp_path / "p.csv")
    assert kept is not None
    assert kept.currencies == stated
