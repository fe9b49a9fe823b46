"""The subcommands of `collateral`, one a file."""
