"""`collateral scenarios`, as a user types it."""

from __future__ import annotations

from click.testing import CliRunner

from abm.commands.cli import main
from scenarios.allocation import bundled_problems
from scenarios.experiment import bundled_experiments
from scenarios.scenario import Scenario, bundled


def test_lists_everything_that_is_bundled_with_its_title() -> None:
    result = CliRunner().invoke(main, ["scenarios"], catch_exceptions=False)
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    names = {line.split()[0]: line for line in lines if line}
    assert names.keys() >= {*bundled(), *bundled_experiments(), *bundled_problems()}
    assert Scenario.load("prices-gbm").title in names["prices-gbm"]
    assert (
        lines[-1]
        == "To run one: collateral run NAME --out DIR; a problem: collateral optimise NAME"
    )
