"""`python -m abm`: the command `collateral`, where its script is not on the path."""

from abm.commands.cli import main

main(prog_name="python -m abm")
