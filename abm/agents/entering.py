"""Agents are made by their market, of the classes that it is given."""

from __future__ import annotations

from typing import TypeVar

from scenarios.errors import InputError

M = TypeVar("M")


def entered(model: M | None, agent: object) -> M:
    """The market that an agent enters.

    Raises:
        InputError: there is none, for a user has written `Mine()` where a market takes `Mine`.
    """
    if model is None:
        name = type(agent).__name__
        raise InputError(
            f"{name}(): a behaviour is given as the class, {name} without brackets; the market"
            " makes its agents of it"
        )
    return model
