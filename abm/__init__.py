"""Agent-based market of securities lending: ledger, loan book, margining, agents."""

import sys

try:
    from scenarios.shadows import refuse_shadows

    refuse_shadows()
except ImportError as error:
    told = str(error)
    if "scenarios" in sys.modules and "scenarios.shadows" not in sys.modules:
        told = (
            f"{sys.modules['scenarios'].__file__} hides the package 'scenarios' of the simulator"
            " (collateral-abm), which it needs; give the file or folder another name"
        )
    if sys.argv[:1] == ["-m"]:  # as a command it has no use for a traceback
        print(f"collateral: {told}", file=sys.stderr)
        raise SystemExit(2) from None
    raise ImportError(told) from None
