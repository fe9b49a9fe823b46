"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Compilation happens in the first example of a session, so no example is timed.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=60, derandomize=True, **_common)
settings.register_profile("search", max_examples=2000, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One file that simulates first, then those that do not: two processes that share the tests
    would otherwise compile the same passes at the same time."""
    first, light = (
        "abm/agents/test_agents.py",
        ("scenarios/", "analysis/test_", "analysis/figures/"),
    )

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return 0 if name == first else 1 if name.startswith(light) else 2

    items.sort(key=place)


TOKYO = Path(__file__).parents[2] / "shared" / "data" / "tse_closes_all_cases.csv"


@pytest.fixture(scope="session")
def tokyo_closes() -> Path:
    """Real Tokyo closes of the paper's four cases, which may not be in the repository."""
    if not TOKYO.is_file():
        pytest.skip("the Tokyo closes of the four cases are not beside this checkout")
    return TOKYO
