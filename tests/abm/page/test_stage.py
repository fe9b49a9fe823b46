"""Markets step together, and their tables can be taken away."""

from __future__ import annotations

import io
import zipfile
from typing import Literal

import pandas as pd
import pytest

from abm.page.settings import Settings
from abm.page.stage import Stage

SETTINGS = Settings("prices-file", model=1, compare=4)


def test_both_markets_step() -> None:
    stage = Stage(SETTINGS)
    stage.step()
    assert [view.day for view in stage.look()] == [1, 1]
    assert [view.title for view in stage.look()] == ["Model 1", "Model 4"]
    stage.release()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_archive_holds_the_tables_of_each_market(form: Literal["csv", "parquet"]) -> None:
    stage = Stage(SETTINGS)
    for _ in range(3):
        stage.step()
    archive = zipfile.ZipFile(io.BytesIO(stage.tables(form)))
    read = pd.read_csv if form == "csv" else pd.read_parquet
    for market, folder in zip(stage._markets, ("model-1", "model-4"), strict=True):
        days = read(io.BytesIO(archive.read(f"{folder}/days.{form}")))
        assert days["day"].tolist() == [0, 1, 2, 3]
        assert days["gap"].tolist() == pytest.approx(market.days_frame()["gap"].tolist())
        events = read(io.BytesIO(archive.read(f"{folder}/events.{form}")))
        assert len(events) == len(market.events_frame())
        for table in ("loans", "participants"):
            assert len(read(io.BytesIO(archive.read(f"{folder}/{table}.{form}")))) >= 1
    meanings = pd.read_csv(io.BytesIO(archive.read("columns.csv")))
    assert set(days.columns) <= set(meanings.loc[meanings["table"] == "days", "column"])
    assert b'"scenario": "prices-file"' in archive.read("settings.json")
