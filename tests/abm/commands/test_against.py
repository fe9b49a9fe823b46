"""What `collateral run` says of models against Model 0, and of one history."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from sweeps import table_of, toml

from abm.commands.against import against_first_model, has_models, in_words
from abm.commands.cli import main
from analysis.differences import paired_differences
from analysis.meanings import ColumnMeaning

MEANINGS = {
    name: ColumnMeaning("count", "") for name in ("margin_calls", "transfers", "deliveries")
}


def runs_of(calls: dict[int, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "scenario_id": number,
                "replication_id": r,
                "network_id": r,
                "path_id": r,
                "one_history": False,
                "factor.model": model,
                "margin_calls": value,
                "transfers": float(r % 2 + model * (r % 3 - 1) * 0.01),
            }
            for number, (model, values) in enumerate(calls.items())
            for r, value in enumerate(values)
        ]
    )


def test_a_sentence_says_what_is_clear_and_what_is_not() -> None:
    runs = runs_of({0: [100.0, 110, 120, 130] * 5, 3: [50.0, 54, 61, 66] * 5})
    assert has_models(runs)
    told = against_first_model(runs, ["margin_calls", "transfers"], "USD", MEANINGS, 100)
    assert "Against Model 0, on the same networks and prices:" in told
    assert "Model 3: lower margin calls (-50 %); no clear difference in transfers." in told
    assert "20 networks with a price path each" in told
    (row,) = paired_differences(runs, "factor.model", ["margin_calls"]).to_dict("records")
    assert f"{row['difference']:.1f} [" in told


def test_more_of_nothing_has_no_share() -> None:
    row = {"metric": "transfers", "difference": 3.0, "low": 2.0, "high": 4.0, "baseline_mean": 0.0}
    assert in_words([row]) == "higher transfers (from 0)."


def test_one_model_or_one_run_is_compared_with_nothing() -> None:
    assert not has_models(runs_of({0: [1.0, 2]}))
    assert not has_models(runs_of({0: [1.0], 1: [2.0]}))


@pytest.fixture
def histories(tmp_path: Path) -> Path:
    """Two models on history as it was, and on prices that are drawn."""
    prices = {"source": "file", "file": "bundled:us_stocks_2007_2010", "tokens": ["IBM"]}
    history = {"prices": prices, "window": {"start": "2009-07-01", "end": "2009-07-09"}}
    same = {"window": {"end": "2024-01-09"}}
    path = tmp_path / "histories.toml"
    path.write_text(toml(table_of(alternatives={"prices": {"drawn": same, "2009": history}})))
    return path


def test_one_history_is_called_that_wherever_it_appears(histories: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["run", str(histories), "--out", str(out), "--workers", "0"])
    assert result.exit_code == 0, result.output
    runs = pd.read_parquet(out / "runs").set_index("factor.prices")["one_history"]
    assert runs["2009"].all() and not runs["drawn"].any()
    text = " ".join(result.stdout.split())
    assert result.stdout.count("one history") >= 4, "each such design, and both notes"
    assert "3 networks, one history" in text and "3 networks with a price path each" in text
    assert "On one history they hold no market risk" in text
    result = CliRunner().invoke(main, ["report", str(out)])
    assert result.exit_code == 0, result.output
    page = (out / "report.html").read_text()
    for caption in page.split("<figcaption>")[1:]:
        assert "one history" in caption.split("</figcaption>")[0]
