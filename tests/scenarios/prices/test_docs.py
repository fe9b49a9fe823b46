"""What `docs/prices.md` shows works as written."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from scenarios.assets import AssetClass
from scenarios.prices import SOURCES, AnyPriceSource, PriceSource, Window
from scenarios.prices.own import OwnSource
from scenarios.scenario import bundled

PAGE = (Path(__file__).parents[3] / "docs" / "prices.md").read_text(encoding="utf-8")
BLOCKS = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.S)]
TABLES = [block["prices"] for block in BLOCKS]
IN_TWO_CURRENCIES = "date,SONY,SAP,EURJPY\n" + "".join(
    f"2010-{day},15000,140,150\n" for day in ("10-01", "10-15", "10-29", "11-12", "11-26", "12-01")
)
WINDOW = Window(date(2010, 10, 1), date(2010, 12, 1), "paper")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["prices"]["source"])
def test_every_table_gives_prices(
    block: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = block["prices"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.csv").write_text(IN_TWO_CURRENCIES)
    if table["source"] == "garch" and "history" in table:
        pytest.importorskip("arch")
    source: PriceSource = TypeAdapter(AnyPriceSource).validate_python(table)
    assets = {name: AssetClass(**kind) for name, kind in block.get("assets", {}).items()}
    source = source.with_classes(assets, "USD")
    panel = source.panel(WINDOW, np.random.default_rng(1))
    assert (panel.close > 0).all()


def test_every_source_is_shown_with_its_scenario() -> None:
    assert {table["source"] for table in TABLES} == {
        kind.model_fields["source"].default for kind in SOURCES if kind is not OwnSource
    }
    assert 'source = "own"' in PAGE
    for name in re.findall(r"`(prices-[a-z-]+)`", PAGE):
        assert name in bundled()


def test_the_python_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, np.ndarray] = {}
    exec(example, names)
    assert names["paths"].shape == (1000, 250, 2)
