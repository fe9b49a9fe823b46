"""Which close each day of a window takes, in each calendar."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import InputError
from scenarios.prices import PricePanel
from scenarios.prices.calendars import Calendar, on_calendar
from scenarios.prices.files import read_prices

# Thursday to Wednesday with a weekend and a holiday Monday.
SESSIONS = ["2009-07-16", "2009-07-17", "2009-07-21", "2009-07-22"]


@pytest.fixture
def week() -> PricePanel:
    frame = pd.DataFrame({"A": [16.0, 17.0, 21.0, 22.0]}, pd.to_datetime(SESSIONS))
    return PricePanel.from_frame(frame, "week.csv")


def closes(panel: PricePanel, start: int, end: int, calendar: Calendar) -> list[float]:
    window = on_calendar(panel, date(2009, 7, start), date(2009, 7, end), calendar)
    assert window.origin == panel.origin
    return window.close[:, 0].tolist()


def test_paper_takes_the_next_close(week: PricePanel) -> None:
    assert closes(week, 17, 23, "paper") == [17, 21, 21, 21, 21, 22]


def test_causal_keeps_the_previous_close(week: PricePanel) -> None:
    assert closes(week, 17, 23, "causal") == [17, 17, 17, 17, 21, 22]


def test_sessions_are_trading_days_only(week: PricePanel) -> None:
    assert closes(week, 17, 23, "sessions") == [17, 21, 22]


@pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
def test_every_calendar_begins_at_the_first_close_on_or_after_the_start(
    week: PricePanel, calendar: Calendar
) -> None:
    assert closes(week, 18, 23, calendar)[0] == 21


def test_the_last_days_backfill_lies_after_the_window(week: PricePanel) -> None:
    assert closes(week, 17, 20, "paper") == [17, 21, 21]


@given(st.integers(0, 40), st.integers(1, 30))
def test_a_causal_day_never_knows_a_later_close(first: int, length: int) -> None:
    days = pd.bdate_range("2009-06-01", "2009-09-30")
    # The price of a day is the day's number, so that a close says when it was made.
    frame = pd.DataFrame({"A": (days - days[0]).days + 1.0}, days)
    panel = PricePanel.from_frame(frame, "numbers")
    start = date(2009, 6, 1) + pd.Timedelta(days=first)
    end = start + pd.Timedelta(days=length + 2)
    causal = on_calendar(panel, start, end, "causal")
    made = (causal.dates - days[0]).days + 1
    assert (causal.close[:, 0] <= made).all()
    assert (made - causal.close[:, 0] <= 2).all()
    ahead = on_calendar(panel, start, end, "paper")
    assert (ahead.close[:, 0] >= (ahead.dates - days[0]).days + 1).all()
    # Both agree on every session.
    sessions = on_calendar(panel, start, end, "sessions")
    for other in (causal, ahead):
        np.testing.assert_array_equal(other.frame.loc[sessions.dates].to_numpy(), sessions.close)


class TestRefusals:
    def test_a_window_that_ends_before_it_starts(self, week: PricePanel) -> None:
        with pytest.raises(InputError, match=r"window\.end: 2009-07-17 must lie after"):
            closes(week, 17, 17, "causal")

    def test_no_close_for_the_last_backfill(self, week: PricePanel) -> None:
        with pytest.raises(InputError, match="needs a close on or after 2009-07-23"):
            closes(week, 17, 24, "paper")

    @pytest.mark.parametrize("calendar", ["causal", "sessions"])
    def test_a_window_after_the_data(self, week: PricePanel, calendar: Calendar) -> None:
        with pytest.raises(InputError, match=r"week\.csv: .*"):
            on_calendar(week, date(2010, 1, 1), date(2010, 2, 1), calendar)

    @pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
    def test_a_window_before_the_data(self, week: PricePanel, calendar: Calendar) -> None:
        span = r"between 2009-01-01 and 2009-07-16 \(it has 2009-07-16 to 2009-07-22\)"
        with pytest.raises(InputError, match=f"no close {span}"):
            on_calendar(week, date(2009, 1, 1), date(2009, 7, 20), calendar)

    @pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
    def test_a_hole_in_the_data(self, week: PricePanel, calendar: Calendar) -> None:
        later = PricePanel(
            week.dates.append(pd.DatetimeIndex(["2009-09-01"])),
            week.tokens,
            np.vstack([week.close, [[9.0]]]),
            week.origin,
        )
        with pytest.raises(InputError, match="no close between 2009-07-22 and 2009-09-01"):
            on_calendar(later, date(2009, 7, 16), date(2009, 9, 2), calendar)

    def test_a_weekend_has_no_session(self, week: PricePanel) -> None:
        with pytest.raises(InputError, match="no trading day from 2009-07-18 to 2009-07-19"):
            closes(week, 18, 20, "sessions")


@pytest.mark.parametrize(
    ("start", "end", "total"),
    [
        (date(2009, 7, 1), date(2009, 8, 31), 7351),
        (date(2008, 10, 1), date(2008, 12, 1), 7995),
    ],
)
@pytest.mark.parametrize("calendar", ["paper", "causal", "sessions"])
def test_the_papers_windows_have_61_days_and_its_first_sums(
    tokyo_file: Path, start: date, end: date, total: int, calendar: Calendar
) -> None:
    """Paper, section 2.3.3, and the first-day sums of Table 2."""
    window = on_calendar(read_prices(tokyo_file), start, end, calendar)
    assert window.close[0].sum() == total
    if calendar != "sessions":
        assert len(window.dates) == 61
