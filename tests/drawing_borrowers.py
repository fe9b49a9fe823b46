"""Borrowers that draw random numbers as Mesa's agents do. Imported by experiments."""

from __future__ import annotations

from typing import Any

from abm.agents import Borrower


class Draws(Borrower):
    """Meets a call or not as its two generators have it."""

    def meet_call(self, call: Any) -> bool:
        return self.random.random() < 0.7 and self.rng.random() < 0.7


class DrawsInVain(Borrower):
    """Draws, and decides as everybody does."""

    def step(self) -> None:
        self.model.random.random()
        self.model.rng.random()

    def meet_call(self, call: Any) -> bool:
        return self.random.random() < 2 and self.rng.random() < 2
