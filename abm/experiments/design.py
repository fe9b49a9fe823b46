"""From what varies to the list of designs."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scenarios.changes import in_effect, keeping
from scenarios.errors import InputError
from scenarios.experiment import Experiment
from scenarios.extras import require
from scenarios.factors import MOST_DESIGNS, Range
from scenarios.fields import SHORT, is_whole

Floats = npt.NDArray[np.float64]

_SAMPLING = 1
"""Spawn key of the sampling's randomness, which must differ from that of any run."""


class Design(NamedTuple):
    """One setting of all factors."""

    scenario_id: int
    factors: dict[str, Any]
    """By the factor's name, its value; of alternatives the name."""
    changes: dict[str, Any]
    """What that changes in the scenario, by dotted names of fields."""


def designs_of(experiment: Experiment) -> list[Design]:
    """All designs, numbered in order; the factor that is named last varies fastest.

    They are the product of the designs that are given one by one, the sampled points, the
    alternatives and the levels.

    Raises:
        InputError: there are too many.
    """
    factors = experiment.factors
    dimensions: list[list[dict[str, Any]]] = []
    if factors.rows:
        dimensions.append(factors.rows)
    if factors.sampled:
        dimensions.append(list(_samples(experiment)))
    for name, named in factors.alternatives.items():
        if name not in factors.in_rows:
            dimensions.append([{name: alternative} for alternative in named])
    for name, given in factors.ranges.items():
        if given.levels is not None:
            points = np.linspace(0, 1, given.levels)
            dimensions.append([{name: value} for value in _values(name, given, points)])
    for name, levels in factors.levels.items():
        dimensions.append([{name: level} for level in levels])
    number_of_designs = math.prod(map(len, dimensions))
    if number_of_designs > MOST_DESIGNS:
        raise InputError(
            f"factors: {number_of_designs:,} designs, all combinations of what varies;"
            f" at most {MOST_DESIGNS:,}"
        )
    designs = []
    for number, combination in enumerate(itertools.product(*dimensions)):
        values = {name: value for part in combination for name, value in part.items()}
        changes = keeping(factors.changes(values), experiment.scenario, experiment.kept)
        designs.append(Design(number, values, changes))
    return designs


def refuse_one_market_under_two_names(designs: list[Design]) -> None:
    """See that designs that are called different things are different.

    Raises:
        InputError: of two designs all that differs is a factor that something else overrides.
    """
    seen: dict[str, Design] = {}
    for design in designs:
        effect = in_effect(design.changes)
        first = seen.setdefault(json.dumps(effect, sort_keys=True, default=str), design)
        if first.factors == design.factors:
            continue
        (name, one), *_ = (
            pair for pair in first.factors.items() if pair[1] != design.factors[pair[0]]
        )
        fixed = sorted(design.changes.keys() - {SHORT.get(name, name)})
        raise InputError(
            f"factors: {name} = {one!r} and {name} = {design.factors[name]!r} are one and the same"
            f" market where {', '.join(fixed)} {'is' if len(fixed) == 1 else 'are'} set as well;"
            f" vary one or the other"
        )


def _samples(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Points of all sampled ranges."""
    ranges = experiment.factors.sampled
    assert experiment.samples is not None
    rng = np.random.default_rng(np.random.SeedSequence([experiment.seed, _SAMPLING]))
    unit = unit_points(experiment.sampling, len(ranges), experiment.samples, rng)
    columns = [_values(name, given, unit[:, i]) for i, (name, given) in enumerate(ranges.items())]
    for point in zip(*columns, strict=True):
        yield dict(zip(ranges, point, strict=True))


def unit_points(method: str, dimensions: int, samples: int, rng: np.random.Generator) -> Floats:
    """Points of [0, 1] in every dimension, shape (points, dimensions).

    `latin-hypercube` (McKay, Beckman and Conover 1979) and `sobol`, scrambled as by Owen (1998) so
    that another seed gives another sample, fill the space with `samples` points. `saltelli`
    (Saltelli et al. 2010) has `samples * (dimensions + 2)` for Sobol indices, `morris` (Morris
    1991) `samples` trajectories of `dimensions + 1` points on SALib's four levels, for elementary
    effects.

    Raises:
        InputError: SALib, which makes the last two, is not installed.
    """
    from scipy.stats import qmc

    if method == "sobol":
        return qmc.Sobol(dimensions, rng=rng).random(samples)
    if method == "latin-hypercube":
        return qmc.LatinHypercube(dimensions, rng=rng).random(samples)
    require("SALib", "sensitivity", f'experiment.sampling: "{method}"')
    from SALib.sample import morris, sobol

    names = [str(number) for number in range(dimensions)]
    problem = {"num_vars": dimensions, "names": names, "bounds": [[0.0, 1.0]] * dimensions}
    if method == "saltelli":
        return sobol.sample(problem, samples, calc_second_order=False, seed=rng)
    return morris.sample(problem, samples, seed=int(rng.integers(2**31)))


def _values(name: str, given: Range, points: Floats) -> list[Any]:
    """The values of a range at points of [0, 1], rounded as the field wants them."""
    low, high = given.low, given.high
    if is_whole(SHORT.get(name, name)):
        if given.levels is not None:
            return [round(value) for value in low + points * (high - low)]
        # Every whole number from low to high gets an equal part of [0, 1].
        return [min(int(low + point * (high - low + 1)), int(high)) for point in points]
    if given.scale == "log":
        values = np.exp(np.log(low) + points * (np.log(high) - np.log(low)))
    else:
        values = low + points * (high - low)
    return [round(float(value), given.decimals) for value in values]
