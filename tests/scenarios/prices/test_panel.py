"""The price panel: what it refuses, and its views."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import InputError
from scenarios.prices import PricePanel

DAYS = pd.to_datetime(["2009-07-01", "2009-07-02"])


def panel(close: list[list[float]], tokens: tuple[str, ...] = ("A", "B")) -> PricePanel:
    return PricePanel.from_frame(pd.DataFrame(close, DAYS, list(tokens)), "test")


def test_the_frame_is_what_went_in() -> None:
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], DAYS.rename("date"), ["A", "B"])
    pd.testing.assert_frame_equal(PricePanel.from_frame(frame, "test").frame, frame)


def test_time_of_day_and_time_zone_are_dropped() -> None:
    days = (DAYS + pd.Timedelta(hours=15)).tz_localize("Asia/Tokyo")
    made = PricePanel.from_frame(pd.DataFrame({"A": [1.0, 2.0]}, days), "test")
    np.testing.assert_array_equal(made.dates, DAYS)


def test_token_names_are_text() -> None:
    made = PricePanel.from_frame(pd.DataFrame([[1.0], [2.0]], DAYS, [8306]), "test")
    assert made.tokens == ("8306",)


@pytest.mark.parametrize("price", [0.0, -1.0, np.nan, np.inf])
def test_a_price_must_be_positive_and_finite(price: float) -> None:
    with pytest.raises(InputError, match=r"test: row 2009-07-02, column B: price .* must be"):
        panel([[1, 2], [3, price]])


def test_a_token_twice_is_refused() -> None:
    with pytest.raises(InputError, match="column A appears twice"):
        panel([[1, 2], [3, 4]], ("A", "A"))


def test_no_prices_are_refused() -> None:
    for empty in (pd.DataFrame(), pd.DataFrame(index=DAYS), pd.DataFrame({"A": []})):
        with pytest.raises(InputError, match="no prices in it"):
            PricePanel.from_frame(empty, "test")


def test_select_orders_and_names_what_is_missing() -> None:
    made = panel([[1, 2], [3, 4]])
    assert made.select(["B", "A"]).close.tolist() == [[2, 1], [4, 3]]
    with pytest.raises(InputError, match="test: no column C; it has A, B"):
        made.select(["A", "C"])


class TestInUnits:
    def test_cents(self) -> None:
        units = panel([[1.15, 2.674], [10.0, 0.01]]).in_units(0.01)
        assert units.dtype == np.int64
        assert units.tolist() == [[115, 267], [1000, 1]]

    def test_a_price_below_half_a_unit_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"B on 2009-07-02: price 0\.4 cannot be expressed"):
            panel([[1, 2], [3, 0.4]]).in_units(1)

    def test_a_price_beyond_exact_whole_numbers_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"choose another money\.unit"):
            panel([[1, 2], [3, 2.0**53]]).in_units(1)

    @given(st.integers(1, 10**9))
    def test_whole_numbers_of_a_unit_survive(self, cents: int) -> None:
        made = PricePanel.from_frame(pd.DataFrame({"A": [cents / 100]}, DAYS[:1]), "test")
        assert made.in_units(0.01).item() == cents
