"""What is not installed by default, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

from scenarios.errors import InputError


def advice(extra: str) -> str:
    """How to install an extra. The package is on no index: it is installed from a checkout."""
    return f'pip install -e ".[{extra}]" in the folder of the checkout'


def require(package: str, extra: str, purpose: str) -> None:
    """See that a package of an extra is installed.

    Args:
        package: its name when it is imported.
        extra: that brings it.
        purpose: what needs it, as the beginning of a sentence.

    Raises:
        InputError: it is not; the message says how to install it.
    """
    if find_spec(package) is None:
        raise InputError(f"{purpose} needs the package {package}: {advice(extra)}")
