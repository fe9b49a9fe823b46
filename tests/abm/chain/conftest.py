"""What the tests of the contracts share."""

from __future__ import annotations

import pytest
from evm_world import World, new_world

from abm.chain import installed

NEEDED = 'needs the extra: pip install -e ".[evm]"'


@pytest.fixture(autouse=True)
def _machine(request: pytest.FixtureRequest) -> None:
    """Skip where no machine is installed, but for the tests of just that."""
    if not installed() and request.path.name != "test_evm_extra.py":
        pytest.skip(NEEDED)


@pytest.fixture
def world() -> World:
    return new_world()
