"""What is drawn for each loan by itself: what it lends, its collateral, its beginning and term.

One uniform number a loan and feature, from a stream a feature: what a feature is drawn from changes
that feature alone, and does so for each loan as little as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from scenarios.agreement import CollateralAgreement
from scenarios.drawn import DrawnStart, DrawnTerm
from scenarios.errors import InputError, named, refuse_unpriced
from scenarios.kept import shared
from scenarios.loans import Loan
from scenarios.participants import MOST_DAYS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PARTS = 1_000_000
"""Parts that drawn shares are rounded to."""

FEATURES = ("lent_token", "mix", "start", "term", "age", "shares", "gamma")


@dataclass(frozen=True)
class Drawn:
    """What is drawn, a row a loan."""

    kind: Ints
    """Position among `kinds`."""
    kinds: tuple[Loan, ...]
    """With one lent token and one composition each."""
    start: Ints
    """Day on which each begins."""
    term: Ints
    """Days from there to its maturity; 0 for the end of the window, or for none."""
    elapsed: Ints
    """Days for which it has been running on day 0."""


def rows_by(key: Ints) -> Iterator[tuple[int, Ints]]:
    """The values of a column, in order, each with its rows."""
    if len(key) and (key == key[0]).all():
        yield int(key[0]), np.arange(len(key))
        return
    order = np.argsort(key, kind="stable")
    values, first = np.unique(key[order], return_index=True)
    yield from zip(values.tolist(), np.split(order, first[1:]), strict=True)


class FeatureStreams:
    """A stream for each feature, made when something is drawn from it."""

    def __init__(self, rng: np.random.Generator):
        """Nothing is taken from `rng` itself."""
        self._seed = cast(np.random.SeedSequence, rng.bit_generator.seed_seq)
        self._first = self._seed.n_children_spawned
        self._kind = type(rng.bit_generator)
        self._made: dict[str, np.random.Generator] = {}

    def __getitem__(self, feature: str) -> np.random.Generator:
        """The stream of a feature."""
        if feature not in self._made:
            # That which the seed would spawn for it, without the others.
            key = (*self._seed.spawn_key, self._first + FEATURES.index(feature))
            seed = np.random.SeedSequence(self._seed.entropy, spawn_key=key)
            self._made[feature] = np.random.Generator(self._kind(seed))
        return self._made[feature]


def draw_features(
    kind: Ints,
    kinds: Sequence[Loan],
    names: Callable[[int], str],
    last: int,
    streams: FeatureStreams,
) -> Drawn:
    """Draw what the kinds of loans leave open.

    Args:
        kind: of each loan, its position among `kinds`.
        kinds: with tables of frequencies and distributions in them.
        names: what a refusal calls a loan, by its row.
        last: last day of the window.
        streams: of the features.

    Raises:
        InputError: a loan begins after the window.
    """
    number = len(kind)
    start, term, elapsed = (np.zeros(number, np.int64) for _ in range(3))
    position, chosen, before = np.zeros(number, np.int64), list[tuple[Loan, ...]](), 0
    uniform = _uniform(kinds, number, streams)
    for k, rows in rows_by(kind):
        of = {feature: u[rows] if len(u) else u for feature, u in uniform.items()}
        position[rows] = before + _variant(kinds[k], of["lent_token"], of["mix"])
        chosen.append(_variants(kinds[k]))
        before += len(chosen[-1])
        with named(f"{names(int(rows[0]))}.start"):
            start[rows] = draw_start(kinds[k].start, of["start"], last)
        if kinds[k].maturity is not None:
            term[rows] = _new_term(kinds[k].maturity, of["term"])
        if kinds[k].age == "stationary":
            some = start[rows] == 0
            aged = _met_term(kinds[k], of["term"][some], of["age"][some])
            term[rows[some]], elapsed[rows[some]] = aged
    # Those of one kind are the same object in every run, for which more can be kept.
    variants = chosen[0] if len(chosen) == 1 else tuple(chain.from_iterable(chosen))
    return Drawn(position, variants, start, term, elapsed)


_NONE = np.zeros(0)


def _uniform(kinds: Sequence[Loan], number: int, streams: FeatureStreams) -> dict[str, Floats]:
    """A number for each loan and feature that some kind leaves open; none for other features.

    Drawn for all loans, so that loans of one kind leave those of another alone.
    """
    needs = {feature for each in kinds for feature in _drawn(each)}
    features = ("lent_token", "mix", "start", "term", "age")
    return {each: streams[each].random(number) if each in needs else _NONE for each in features}


def _drawn(kind: Loan) -> Iterator[str]:
    """The features that a kind of loan leaves open, by the uniform numbers that they need."""
    if isinstance(kind.lent_token, dict):
        yield "lent_token"
    if kind.mixes:
        yield "mix"
    if isinstance(kind.start, DrawnStart):
        yield "start"
    if isinstance(kind.maturity, DrawnTerm):
        yield "term"
    if kind.age == "stationary":
        yield from ("term", "age")


def _variants(kind: Loan) -> tuple[Loan, ...]:
    """The kind with each of its lent tokens and each of its mixes."""
    if not kind.mixes and not isinstance(kind.lent_token, dict):
        return (kind,)
    return shared(kind).get("variants", lambda: _made_variants(kind))


def _made_variants(kind: Loan) -> tuple[Loan, ...]:
    lent = list(kind.lent_token) if isinstance(kind.lent_token, dict) else [kind.lent_token]
    mixes: list[Any] = [mix.shares for mix in kind.mixes] or [kind.composition]
    return tuple(
        kind.model_copy(update={"lent_token": token, "composition": mix, "mixes": ()})
        for token in lent
        for mix in mixes
    )


def _variant(kind: Loan, of_lent: Floats, of_mix: Floats) -> Any:
    """Position among `_variants` of each loan."""
    chosen: Any = 0
    if isinstance(kind.lent_token, dict):
        chosen = pick(of_lent, list(kind.lent_token.values()))
    if kind.mixes:
        chosen = chosen * len(kind.mixes) + pick(of_mix, [mix.weight for mix in kind.mixes])
    return chosen


def pick(u: Floats, weights: Sequence[float] | Floats) -> Ints:
    """Positions drawn in proportion to weights, from uniform numbers in [0, 1)."""
    reached = np.cumsum(np.asarray(weights, np.float64))
    return np.searchsorted(reached / reached[-1], u, side="right").astype(np.int64)


def draw_start(start: int | DrawnStart, u: Floats, last: int) -> int | Ints:
    """Days on which loans begin, from uniform numbers in [0, 1).

    Raises:
        InputError: one lies behind the last day.
    """
    if not isinstance(start, DrawnStart):
        _check_start(start, last)
        return start
    latest = max(start.days, default=0) if start.kind == "table" else start.high
    latest = max(start.low, last if latest is None else latest)
    _check_start(latest, last)
    rest = 1 - start.at_opening
    within = np.clip((u - start.at_opening) / rest if rest else 0 * u, 0, np.nextafter(1, 0))
    if start.kind == "table":
        days = np.array(start.days)[pick(within, start.weights)]
    else:
        days = start.low + np.floor(within * (latest - start.low + 1)).astype(np.int64)
    return np.where(u < start.at_opening, 0, days)


def _check_start(latest: int, last: int) -> None:
    if latest > last:
        raise InputError(f"day {latest}; the days of this window are 0 to {last}")


def draw_term(term: DrawnTerm, u: Floats, biased: bool = False) -> Ints:
    """Terms in days, from uniform numbers in [0, 1).

    Args:
        term: their distribution, not the geometric one if `biased`.
        u: one number a loan.
        biased: in proportion to the term, as one that is met on a given day is.
    """
    if term.kind == "geometric":
        assert term.mean is not None and not biased
        if term.mean == 1:
            return np.ones(len(u), np.int64)
        days = 1 + np.floor(np.log1p(-u) / np.log1p(-1 / term.mean))
        return np.minimum(days, MOST_DAYS).astype(np.int64)
    if term.kind == "table":
        values, weights = np.array(term.days, np.int64), np.array(term.weights)
    else:
        assert term.high is not None
        values = np.arange(term.low, term.high + 1)
        weights = np.ones(len(values))
    return values[pick(u, weights * values if biased else weights)]


def _new_term(term: int | DrawnTerm | None, u: Floats) -> Any:
    return draw_term(term, u) if isinstance(term, DrawnTerm) else term


def _met_term(kind: Loan, u: Floats, of_age: Floats) -> tuple[Any, Ints]:
    """Terms of loans that are met on day 0, and for how many days they have run by then."""
    term, ends = kind.maturity, kind.at_maturity == "settle"
    if ends and isinstance(term, DrawnTerm) and term.kind == "geometric":
        # Memoryless: as long to come as if it were new, and as long behind it.
        elapsed = draw_term(term, of_age) - 1
        return draw_term(term, u) + elapsed, elapsed
    days: Any = draw_term(term, u, biased=ends) if isinstance(term, DrawnTerm) else term
    return days, np.floor(of_age * days).astype(np.int64)


def draw_shares(
    drawn: Drawn,
    agreements: Sequence[CollateralAgreement],
    agreement: Ints,
    tokens: Sequence[str],
    streams: FeatureStreams,
) -> Ints | None:
    """Shares of the tokens in the collateral of loans that draw their own.

    A Dirichlet distribution around the composition, by gamma variates in logarithms, so that small
    parameters do not vanish: with `G` of shape `a + 1` and `U` uniform, `G·U^(1/a)` has shape `a`.

    Args:
        drawn: the loans.
        agreements: which tokens are eligible.
        agreement: of each loan, its position among them.
        tokens: names of the ledger's columns, cash last.
        streams: of the features.

    Returns:
        In parts of `PARTS`, shape (loans, tokens); rows of zeros for other loans. None without any.

    Raises:
        InputError: a composition names a token without a price.
    """
    if all(kind.concentration is None for kind in drawn.kinds):
        return None
    shape = _parameters(drawn, agreements, agreement, tokens)
    with np.errstate(divide="ignore"):
        logs = np.log(streams["gamma"].standard_gamma(shape + 1))
        logs += np.log1p(-streams["shares"].random(shape.shape)) / shape
    logs[shape == 0] = -np.inf
    own = np.asarray(shape.any(axis=1))
    logs[~own] = 0
    parts = np.exp(logs - logs.max(axis=1, keepdims=True))
    return whole_parts(PARTS * parts / parts.sum(axis=1, keepdims=True)) * own[:, None]


def whole_parts(parts: Floats) -> Ints:
    """Shares in parts, rounded down so that each row adds up to `PARTS`: the largest has the rest.

    Args:
        parts: adding up to `PARTS` but for rounding, shape (rows, tokens).
    """
    whole = np.floor(parts).astype(np.int64)
    whole[np.arange(len(whole)), whole.argmax(axis=1)] += PARTS - whole.sum(axis=1)
    return whole


def _parameters(
    drawn: Drawn,
    agreements: Sequence[CollateralAgreement],
    agreement: Ints,
    tokens: Sequence[str],
) -> Floats:
    """Of each loan's Dirichlet distribution, shape (loans, tokens); zeros where it has none."""
    parameters = np.zeros((len(drawn.kind), len(tokens)))
    for key, rows in rows_by(agreement * len(drawn.kinds) + drawn.kind):
        kind = drawn.kinds[key % len(drawn.kinds)]
        if kind.concentration is not None:
            order = agreements[key // len(drawn.kinds)].eligible(tokens, tokens[-1])
            shares = kind.composition or dict.fromkeys(order, 1.0)
            with named("loan.composition"):
                for token in shares:
                    refuse_unpriced(token, tokens)
            mean = np.array([shares.get(token, 0.0) for token in tokens])
            parameters[rows] = kind.concentration * mean / mean.sum()
    return parameters
