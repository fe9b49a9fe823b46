"""What docs/experiments.md shows is what works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from abm.experiments.plan import Plan
from scenarios.experiment import Experiment

PAGE = (Path(__file__).parents[3] / "docs" / "experiments.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_an_experiment_that_can_be_simulated(block: str, tmp_path: Path) -> None:
    (tmp_path / "designs.csv").write_text("model,agreement.haircut\n1,0.05\n")
    table = tomllib.loads(block)
    settings = {"scenario": "network-core-periphery", **table.get("experiment", {})}
    plan = Plan.of(Experiment.parse({**table, "experiment": settings}, "docs", tmp_path))
    plan.check()
    assert plan.designs[0].factors


def test_the_first_one_has_as_many_designs_as_the_page_says() -> None:
    plan = Plan.of(Experiment.parse(tomllib.loads(BLOCKS[0]), "docs"))
    assert (len(plan.designs), plan.experiment.replications) == (6, 50)
    assert "runs 2 × 3 designs 50 times each" in PAGE
