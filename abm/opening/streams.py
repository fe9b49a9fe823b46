"""The randomness of a run: one stream for each purpose, from a seed, a network and a price path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenarios.errors import InputError
from scenarios.experiment import SEEDS

_PURPOSES = 5
_PRICES, _NETWORK, _BEHAVIOUR, _SHOCKS, _RECALLS = range(_PURPOSES)
_APART = 100
"""Children of a replication's seed from here on belong to its path on other networks."""


@dataclass(frozen=True)
class RunSeed:
    """Which run of a seed: whose network, and whose price path.

    Replication `r` of an experiment has network `r` and path `r`. An experiment that crosses N
    networks with P paths takes the network of replication `network` and the prices of replication
    `path`; what is neither (behaviour, shocks, recalls) is drawn anew for each pair.
    """

    seed: int | None
    network: int = 0
    path: int = 0


class Streams:
    """One source of randomness for each purpose, so that changing one leaves the others alone."""

    def __init__(self, seeds: Sequence[np.random.SeedSequence]):
        """A stream from each of these, made when it is needed."""
        self._seeds = seeds

    @cached_property
    def prices(self) -> np.random.Generator:
        """Draws prices."""
        return np.random.default_rng(self._seeds[_PRICES])

    @cached_property
    def network(self) -> np.random.Generator:
        """Draws participants, network and loans."""
        return np.random.default_rng(self._seeds[_NETWORK])

    @cached_property
    def behaviour(self) -> np.random.Generator:
        """Seeds Mesa's own randomness."""
        return np.random.default_rng(self._seeds[_BEHAVIOUR])

    @cached_property
    def shocks(self) -> np.random.Generator:
        """Draws defaults from outside."""
        return np.random.default_rng(self._seeds[_SHOCKS])

    @cached_property
    def recalls(self) -> np.random.Generator:
        """Draws recalls."""
        return np.random.default_rng(self._seeds[_RECALLS])

    @classmethod
    def spawn(cls, seed: int | np.random.SeedSequence | RunSeed | None) -> Streams:
        """The streams of a run with this seed, whoever starts it: experiment, script or page.

        Replication `r` of an experiment with seed `s` draws from the five children of
        `SeedSequence(s, spawn_key=(r,))`. A market with seed `s` is its first replication, so that
        one seed means one market everywhere.

        Args:
            seed: a whole number; None for one that nobody knows; a `RunSeed` for another run of a
                seed; a sequence, to say it all oneself.

        Raises:
            InputError: it is none of these.
        """
        if isinstance(seed, np.random.SeedSequence):
            # A copy: spawning changes a sequence, and the next run must get the same children.
            copy = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
            children = copy.spawn(_PURPOSES)
        else:
            run = seed if isinstance(seed, RunSeed) else RunSeed(seed)
            _check(run.seed)
            entropy = np.random.SeedSequence(run.seed).entropy  # one for all, if nobody knows it
            children = _of_replication(entropy, run.path)
            if run.network != run.path:
                key = (run.path, _APART + run.network)
                own = np.random.SeedSequence(entropy, spawn_key=key).spawn(_PURPOSES)
                own[_PRICES] = children[_PRICES]
                own[_NETWORK] = _of_replication(entropy, run.network)[_NETWORK]
                children = own
        return cls(children)


def _of_replication(entropy: object, replication: int) -> list[np.random.SeedSequence]:
    whole = np.random.SeedSequence(entropy, spawn_key=(replication,))  # type: ignore[arg-type]
    return whole.spawn(_PURPOSES)


def _check(seed: object) -> None:
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < SEEDS):  # type: ignore[operator]
        # A generator has no seed to tell: what was drawn from it before would count, too.
        shown = "a Generator" if isinstance(seed, np.random.Generator) else repr(seed)
        raise InputError(
            f"rng: expected a whole number from 0 to {SEEDS - 1}, a RunSeed, or a"
            f" numpy.random.SeedSequence (it is {shown})"
        )
