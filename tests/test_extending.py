"""The guide for those who extend the simulator shows the examples as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from abm.agents.decisions import DECISIONS
from abm.rules.rule import REWRITABLE

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "extending.md").read_text()
SHOWN = re.findall(r"`examples/(\w+)\.py`:\n\n```python\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.mark.parametrize(("name", "code"), SHOWN, ids=[name for name, _ in SHOWN])
def test_an_example_is_shown_as_it_is(name: str, code: str) -> None:
    assert code == (ROOT / "examples" / f"{name}.py").read_text()


def test_every_example_is_shown_or_linked_and_every_block_is_one() -> None:
    linked = {*re.findall(r"\(\.\./examples/(\w+)\.py\)", GUIDE), *(name for name, _ in SHOWN)}
    assert linked == {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert GUIDE.count("```python") == len(SHOWN)


def test_every_decision_and_rewritable_term_is_named() -> None:
    for decision in DECISIONS:
        assert re.search(rf"\| `{decision.name}\(\w*\)` \| {decision.role} \|", GUIDE)
    assert ", ".join(f"`{term}`" for term in REWRITABLE) in GUIDE
