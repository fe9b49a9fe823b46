"""The randomness of a run: one stream for each purpose, from a seed, a network and a price path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from scenarios.errors import InputError
from scenarios.experiment import SEEDS

Entropy: TypeAlias = int | Sequence[int] | None
"""What a `numpy.random.SeedSequence` is made of."""

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

    def __init__(self, seeds: Sequence[tuple[Entropy, tuple[int, ...]]]):
        """A stream from the entropy and key of each of these seeds, made when it is needed."""
        self._seeds = seeds

    def _stream(self, purpose: int) -> np.random.Generator:
        entropy, key = self._seeds[purpose]
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))

    @cached_property
    def prices(self) -> np.random.Generator:
        """Draws prices."""
        return self._stream(_PRICES)

    @cached_property
    def network(self) -> np.random.Generator:
        """Draws participants, network and loans."""
        return self._stream(_NETWORK)

    @cached_property
    def behaviour(self) -> np.random.Generator:
        """Seeds Mesa's own randomness."""
        return self._stream(_BEHAVIOUR)

    @cached_property
    def shocks(self) -> np.random.Generator:
        """Draws defaults from outside."""
        return self._stream(_SHOCKS)

    @cached_property
    def recalls(self) -> np.random.Generator:
        """Draws recalls."""
        return self._stream(_RECALLS)

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
            # Its first children, whatever it has spawned: the next run must get the same.
            children = _children(seed.entropy, seed.spawn_key)
        else:
            run = seed if isinstance(seed, RunSeed) else RunSeed(seed)
            _check(run.seed)
            # One for all, if nobody knows it.
            entropy = np.random.SeedSequence().entropy if run.seed is None else run.seed
            children = _children(entropy, (run.path,))
            if run.network != run.path:
                own = _children(entropy, (run.path, _APART + run.network))
                own[_PRICES] = children[_PRICES]
                own[_NETWORK] = _children(entropy, (run.network,))[_NETWORK]
                children = own
        return cls(children)


def _children(entropy: Entropy, key: tuple[int, ...]) -> list[tuple[Entropy, tuple[int, ...]]]:
    """Entropy and keys of the sequences that one of this key spawns first, one a purpose."""
    return [(entropy, (*key, purpose)) for purpose in range(_PURPOSES)]


def _check(seed: object) -> None:
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < SEEDS):  # type: ignore[operator]
        # A generator has no seed to tell: what was drawn from it before would count, too.
        shown = "a Generator" if isinstance(seed, np.random.Generator) else repr(seed)
        raise InputError(
            f"rng: expected a whole number from 0 to {SEEDS - 1}, a RunSeed, or a"
            f" numpy.random.SeedSequence (it is {shown})"
        )
