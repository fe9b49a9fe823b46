"""What is kept in a process: once for a content, never an old one, never more than so much."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from scenarios.errors import InputError
from scenarios.kept import Kept, content_of
from scenarios.prices import files
from scenarios.prices.bootstrap import BootstrapSource
from scenarios.prices.files import read_prices
from scenarios.prices.price_file import PriceFile

PRICES = "date,A\n2024-01-01,10\n2024-01-02,11\n2024-01-03,12\n2024-01-04,13\n"


def written(path: Path, text: str, age: float = 3600.0) -> Path:
    """A file of some age, which its times tell."""
    path.write_text(text)
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))
    return path


def test_the_oldest_goes_that_nobody_uses() -> None:
    kept, made = Kept(2), []

    def get(key: str) -> str:
        return kept.get(key, lambda: made.append(key) or key)

    assert [get(key) for key in "abacab"] == list("abacab")
    assert made == ["a", "b", "c", "b"]


def test_what_raises_is_not_kept() -> None:
    kept = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: 1.0) == 1.0


def test_a_change_of_the_same_length_and_time_is_another_content(tmp_path: Path) -> None:
    """Two editors within a tick of the clock: only the content can tell."""
    path = written(tmp_path / "a.csv", "1", age=0.0)
    first, told = content_of(str(path)), path.stat()
    path.write_text("2")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert content_of(str(path)) != first
    path.write_text("1")
    assert content_of(str(path)) == first
    path.unlink()
    assert content_of(str(path)) is None


def test_a_price_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, times = files._read_and_check, []
    monkeypatch.setattr(files, "_read_and_check", lambda path: times.append(path) or read(path))
    path = written(tmp_path / "prices.csv", PRICES)
    first = read_prices(path)
    first.close[:] = 0  # what one market does to its own is nobody else's
    assert read_prices(path).close[:, 0].tolist() == [10, 11, 12, 13]
    assert len(times) == 1
    written(path, PRICES.replace("13", "14"))
    assert read_prices(path).close[-1, 0] == 14
    # The record beside it says what the prices are in.
    (tmp_path / "prices.csv.json").write_text('{"currency": "JPY"}')
    assert set(read_prices(path).currencies) == {"JPY"}
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read_prices(path)


def test_a_history_that_changes_is_drawn_from_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "prices.csv", PRICES)
    source = BootstrapSource(
        tokens=("A",), block=1, history={"file": str(path)}, initial=100.0, tick=0.01
    )

    def returns() -> set[float]:
        drawn = source.log_returns(50, 1, np.random.default_rng(1))[0, :, 0]
        return set(np.exp(drawn).round(6).tolist())

    assert returns() == {1.1, round(12 / 11, 6), round(13 / 12, 6)}
    written(path, PRICES.replace("10", "22"))
    assert returns() == {0.5, round(12 / 11, 6), round(13 / 12, 6)}


def test_prices_have_the_name_of_their_content(tmp_path: Path) -> None:
    path = written(tmp_path / "prices.csv", PRICES)
    names = [PriceFile(file=str(path)).content]
    written(path, PRICES.replace("13", "15"))
    assert PriceFile(file=str(path)).content not in names
