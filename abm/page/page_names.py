"""Names that the server and the page agree on; importing them imports nothing else."""

SCENARIO_VARIABLE = "COLLATERAL_SCENARIO"
"""Environment variable in which `collateral serve` names the scenario to begin with."""

FIRST_SCENARIO = "dealers-under-stress"
"""What the page begins with otherwise."""
