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

TOKYO = Path(__file__).parents[2] / "shared" / "data" / "tse_closes_all_cases.csv"


@pytest.fixture(scope="session")
def tokyo_closes() -> Path:
    """Real Tokyo closes of the paper's four cases, which may not be in the repository."""
    if not TOKYO.is_file():
        pytest.skip("the Tokyo closes of the four cases are not beside this checkout")
    return TOKYO
