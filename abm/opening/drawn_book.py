"""Loans drawn jointly from a file of targets, and from the law of a book in a steady state.

Loans arrive as a Poisson process and live independently (M/G/∞): how many are open on a day is then
Poisson with the mean asked for, on day 0 as on any other. Kinds of loans differ in their lives, so
that their shares among arrivals are not those among open loans: `share / mean life` counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from abm.books.population import Population
from abm.opening.drawn_loans import PARTS, Drawn, FeatureStreams, draw_features, pick, whole_parts
from abm.opening.population import draw_sizes
from scenarios.book import BookTargets, FeeTarget, ShareTarget
from scenarios.drawn import DrawnStart, DrawnTerm
from scenarios.errors import InputError, nearest
from scenarios.loans import Loan
from scenarios.participants import Distribution
from scenarios.scenario import Scenario

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LARGEST = 3
"""Borrowers, and agents, whose concentration is a target."""


@dataclass(frozen=True)
class DrawnBook:
    """A drawn book: a row a loan, the oldest first."""

    lender: Ints
    borrower: Ints
    against_cash: npt.NDArray[np.bool_]
    scale: Floats
    """Size relative to the mean one."""
    lent_token: Ints
    """Column of the token that is lent."""
    fee: Floats
    """For a year, as a fraction of the value lent."""
    shares: Ints
    """Of the tokens in the collateral, in parts of `PARTS`, shape (loans, tokens)."""
    drawn: Drawn
    open_ended: npt.NDArray[np.bool_] | None
    """Whether they have an open end, and so a life that is drawn; None without turnover."""
    agent: Ints
    """Of each participant, -1 for those that have none, shape (participants,)."""


def draw_book(
    scenario: Scenario,
    population: Population,
    tokens: Sequence[str],
    last: int,
    rng: np.random.Generator,
) -> DrawnBook:
    """Draw the loans of a scenario with a `book`.

    Args:
        scenario: what to draw.
        population: of lenders and borrowers.
        tokens: names of the ledger's columns, cash last.
        last: last day of the window.
        rng: the only source of randomness.

    Raises:
        InputError: the targets do not fit the scenario.
    """
    book = scenario.book
    assert book is not None
    targets = book.load()
    drawn, open_ended = _lives(targets, book.loans, book.turnover, last, rng)
    number, borrowers = len(drawn.kind), population.rows("borrower")
    weights = weights_of(len(borrowers), targets.largest_borrowers.value, "largest_borrowers")
    which = pick(rng.random(number), weights)
    agent, lender = _allocated(targets, book.agents, population, number, rng)
    token, fee = _lent(targets, scenario, tokens, number, rng)
    against_cash = rng.random(number) < targets.against_cash.value
    shares = _posted(targets, scenario, weights, tokens, rng)[which]
    shares[against_cash] = np.eye(len(tokens), dtype=np.int64)[-1] * PARTS
    spread = Distribution(kind="lognormal", sigma=targets.size_sigma.value)
    scale, borrower = draw_sizes(spread, number, rng), borrowers[which]
    return DrawnBook(
        lender, borrower, against_cash, scale, token, fee, shares, drawn, open_ended, agent
    )


def _lives(
    targets: BookTargets, loans: int, turnover: bool, last: int, rng: np.random.Generator
) -> tuple[Drawn, npt.NDArray[np.bool_] | None]:
    """When loans begin and end, sorted by their beginning, and which of them have an open end.

    Raises:
        InputError: there is none.
    """
    mean = targets.mean_size.value
    if not turnover:
        kept = (Loan(principal=mean),)
        kind = np.zeros(loans, np.int64)
        return draw_features(kind, kept, _name, last, FeatureStreams(rng)), None
    shares = np.array([targets.open_ended.value, *(term.value for term in targets.terms)])
    life = np.array([targets.open_life.value, *(term.days for term in targets.terms)], np.float64)
    # As many as are open on day 0, and those that arrive on the days from 1 to the last.
    weights = shares / shares.sum() * (1 + last / life)
    number = int(rng.poisson(loans * weights.sum()))
    terms: list[int | DrawnTerm] = [DrawnTerm(kind="geometric", mean=life[0])]
    terms += [term.days for term in targets.terms]
    kinds = [
        Loan(
            principal=mean,
            start=DrawnStart(kind="uniform", low=1, at_opening=1 / (1 + last / days)),
            maturity=term,
            age="stationary",
        )
        for term, days in zip(terms, life, strict=True)
    ]
    kind = pick(rng.random(number), weights)
    drawn = draw_features(kind, kinds, _name, last, FeatureStreams(rng))
    if not (drawn.start == 0).any():
        raise InputError("book.loans: none is open on day 0; ask for more")
    order = np.argsort(drawn.start - drawn.elapsed, kind="stable")
    columns = (drawn.start[order], drawn.term[order], drawn.elapsed[order])
    # What kinds differ in is drawn now.
    return Drawn(np.zeros(number, np.int64), (Loan(principal=mean),), *columns), kind[order] == 0


def _name(row: int) -> str:
    return "book"


def weights_of(number: int, largest: float, field: str) -> Floats:
    """Shares of so many, the largest three of which have a given one together.

    They fall with a power of the rank, `rank^(-a)`; `a` is found by bisection.

    Raises:
        InputError: three of so many have more than that, however alike they are.
    """
    if number <= LARGEST:
        return np.full(number, 1 / number)
    rank = np.arange(1, number + 1, dtype=np.float64)

    def share(exponent: float) -> float:
        weights = rank**-exponent
        return float(weights[:LARGEST].sum() / weights.sum())

    low, high = 0.0, 50.0
    if largest < share(low) - 1e-9:
        raise InputError(
            f"{field}: three of {number} have {share(low):.0%} at least, more than {largest:.0%}"
        )
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < largest else (low, middle)
    weights = rank**-low
    return np.asarray(weights / weights.sum())


def _allocated(
    targets: BookTargets,
    agents: int,
    population: Population,
    number: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """The agent of each participant, -1 for none, and the lender of each loan.

    An agent has lenders in proportion to what it lends, one at least. It allocates its loans among
    them in turn, in the order in which loans begin: who has lent goes to the end of the queue.

    Raises:
        InputError: there are more agents than lenders.
    """
    lenders = population.rows("lender")
    if agents > len(lenders):
        raise InputError(f"book.agents: {agents} agents for {len(lenders)} lenders")
    weights = weights_of(agents, targets.largest_agents.value, "largest_agents")
    exact = weights * (len(lenders) - agents)
    clients = 1 + np.floor(exact).astype(np.int64)
    left = len(lenders) - int(clients.sum())
    clients[np.argsort(np.floor(exact) - exact, kind="stable")[:left]] += 1
    first = np.cumsum(clients) - clients
    of_loan = pick(rng.random(number), weights)
    order = np.argsort(of_loan, kind="stable")
    turn = np.empty(number, np.int64)
    turn[order] = np.arange(number) - np.searchsorted(of_loan[order], of_loan[order])
    agent = np.full(len(population.names), -1, np.int64)
    agent[lenders] = np.repeat(np.arange(agents), clients)
    return agent, lenders[first[of_loan] + turn % clients[of_loan]]


def _columns(
    shares: Mapping[str, ShareTarget], scenario: Scenario, among: Sequence[str]
) -> list[tuple[float, list[int]]]:
    """The share of each class, and where its tokens are among others.

    Raises:
        InputError: there is no such class, or none of its tokens among them.
    """
    found = []
    for name, share in shares.items():
        if name not in scenario.assets:
            known = ", ".join(scenario.assets) or "none"
            near = nearest(name, scenario.assets)
            raise InputError(f"no class {name} in assets{near} (known: {known})")
        rows = [row for row, token in enumerate(among) if token in scenario.assets[name].tokens]
        if not rows and share.value:
            raise InputError(
                f"no token of assets.{name} is eligible or priced; there is {', '.join(among)}"
            )
        found.append((share.value, rows))
    return found


def _lent(
    targets: BookTargets,
    scenario: Scenario,
    tokens: Sequence[str],
    number: int,
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """What each loan lends, and at which fee."""
    chance, fee = np.zeros(len(tokens)), np.zeros(len(tokens))
    columns = _columns(targets.lent, scenario, tokens[:-1])
    for name, (share, rows) in zip(targets.lent, columns, strict=True):
        if rows:
            within, fees = specialness(
                len(rows), scenario.assets[name].lending_fee, targets.fees.get(name), name
            )
            chance[rows], fee[rows] = share * within, fees
    token = pick(rng.random(number), chance)
    return token, fee[token]


def specialness(
    number: int, general: float, target: FeeTarget | None, name: str
) -> tuple[Floats, Floats]:
    """How often each token of a class is lent, and at which fee.

    Args:
        number: of tokens.
        general: fee of those that are not special.
        target: of the class; none if all its tokens cost the same.
        name: of the class.

    Returns:
        Shares of what is on loan, which add up to one, and fees for a year; shape (tokens,) each.

    Raises:
        InputError: no fee of specials gives the average, or there is no room for one.
    """
    if target is None:
        return np.full(number, 1 / number), np.full(number, general)
    if number < 2:
        raise InputError(f"fees.{name}: specials need two tokens in assets.{name} at least")
    special = (target.average - (1 - target.specials) * general) / target.specials
    if special < general:
        raise InputError(
            f"fees.{name}: an average of {target.average:g} lies below the lending_fee of"
            f" assets.{name}, {general:g}"
        )
    some = min(max(round(target.specials * number), 1), number - 1)
    is_special = np.arange(number) >= number - some
    share = np.where(is_special, target.specials / some, (1 - target.specials) / (number - some))
    return share, np.where(is_special, special, general)


def _posted(
    targets: BookTargets,
    scenario: Scenario,
    weights: Floats,
    tokens: Sequence[str],
    rng: np.random.Generator,
) -> Ints:
    """Shares of the tokens that each borrower posts against securities, in parts of `PARTS`."""
    assert scenario.book is not None
    name = scenario.book.against_securities
    agreement = scenario.agreement if name is None else scenario.agreements[name]
    eligible = agreement.eligible(tokens, tokens[-1])
    columns = _columns(targets.collateral, scenario, eligible)
    mixes = draw_mixes(targets, weights, columns, len(eligible), rng)
    shares = np.zeros((len(weights), len(tokens)), np.int64)
    shares[:, [list(tokens).index(token) for token in eligible]] = in_parts(mixes)
    return shares


def draw_mixes(
    targets: BookTargets,
    weights: Floats,
    columns: Sequence[tuple[float, list[int]]],
    tokens: int,
    rng: np.random.Generator,
) -> Floats:
    """The mix that each borrower posts, whose mean by what borrowers borrow is the target.

    Classes from a Dirichlet distribution, then raked to the targets by iterative proportional
    fitting (Deming and Stephan 1940); the tokens within a class from another one.

    Args:
        targets: of the book.
        weights: share of each borrower in what is on loan.
        columns: share and tokens of each class.
        tokens: how many there are.
        rng: draws them.

    Returns:
        Shares, which add up to one for each borrower, shape (borrowers, tokens).
    """
    wanted = np.array([share for share, _ in columns])
    wanted = wanted / wanted.sum()
    concentration = targets.mix_concentration.value
    some = wanted > 0
    value = np.zeros((len(weights), len(wanted)))
    value[:, some] = _dirichlet(concentration * wanted[some], len(weights), rng)
    for _ in range(1000):
        value *= (weights / value.sum(axis=1))[:, None]
        value *= np.divide(wanted, value.sum(axis=0), out=np.zeros_like(wanted), where=some)
        if np.abs(value.sum(axis=1) - weights).max() < 1e-12:
            break
    mixes = np.zeros((len(weights), tokens))
    for column, (_, rows) in enumerate(columns):
        if rows:
            within = _dirichlet(np.full(len(rows), concentration / len(rows)), len(weights), rng)
            mixes[:, rows] += value[:, column, None] * within
    return np.asarray(mixes / mixes.sum(axis=1, keepdims=True))


def _dirichlet(parameters: Floats, number: int, rng: np.random.Generator) -> Floats:
    """Shares above zero, so that they can be raked, shape (number, parameters)."""
    drawn = rng.standard_gamma(parameters, (number, len(parameters))) + 1e-9
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def in_parts(shares: Floats) -> Ints:
    """Shares that add up to one, in parts that add up to `PARTS`."""
    return whole_parts(PARTS * shares)
