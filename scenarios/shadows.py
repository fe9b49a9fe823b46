"""Files of a user's that hide a package of this simulator from Python."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("abm", "analysis", "scenarios")
"""Names that no module of one's own can have."""

HERE = Path(__file__).resolve().parents[1]


def refuse_shadows() -> None:
    """See that Python finds these packages here, and not something of the same name elsewhere.

    It looks beside the script that runs first: an `analysis.py` there would be imported instead.

    Raises:
        ImportError: naming the file that is found.
    """
    for name in PACKAGES:
        found = _place(find_spec(name))
        if found is not None and found.parent != HERE:
            raise ImportError(
                f"{found} hides the package {name!r} of the simulator (collateral-abm), which it"
                " needs; give the file or folder another name",
                name=name,
            )


def _place(spec: ModuleSpec | None) -> Path | None:
    """The file of a module, or the folder of a package."""
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
