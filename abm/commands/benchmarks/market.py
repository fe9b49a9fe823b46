"""The market: the margin pass, the whole step, building, and memory."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from types import ModuleType

import numpy as np

from abm.agents import Borrower
from abm.agents.views import DeliveryCalls, Ints
from abm.commands.benchmarks.bandwidth import adder_of, bytes_of_pass
from abm.commands.benchmarks.cheapest import compare_cheapest
from abm.commands.benchmarks.measurement import Measurement
from abm.commands.benchmarks.sheets import compare_sheets
from abm.commands.benchmarks.turnover import compare_turnover, measure_year
from abm.day.call_and_return import run_returns
from abm.day.columns import ColumnsDay
from abm.day.deliver import run_deliveries
from abm.model import CollateralMarket
from scenarios.scenario import Scenario

CHECKOUT = Path(__file__).parents[3]
"""Where `tests/benchmarks` is, in a checkout."""

REPETITIONS, STRETCHES, DAYS_A_STRETCH = 3, 3, 10
"""How what is compared takes turns."""

Days = list[tuple[float, ...]]
"""Seconds of each day, by what was timed."""


DECIDING = 10_000
"""Borrowers, of a loan each, that decide for themselves."""


class InColumns(Borrower):
    """Decides in columns what standard borrowers do by default."""

    @classmethod
    def meet_call_in_columns(cls, calls: DeliveryCalls) -> np.ndarray:
        """Meet every call."""
        return np.ones(len(calls), np.bool_)

    @classmethod
    def choose_delivery_in_columns(cls, calls: DeliveryCalls) -> Ints:
        """Deliver what a standard borrower would."""
        return calls.default


def market_of(loans: int, borrowers: int, kind: type[Borrower] = Borrower) -> CollateralMarket:
    """Every loan adjusts every day: Model 2 on the bundled prices of late 2008, 61 days."""
    return CollateralMarket(scenario_of(loans, borrowers), rng=1, behaviours={"borrower": kind})


def scenario_of(loans: int, borrowers: int) -> Scenario:
    """What `market_of` simulates."""
    borrowers = min(borrowers, loans)
    lenders = -(-loans // borrowers)
    return Scenario.parse(
        {
            "window": {"start": "2008-10-01", "end": "2008-12-01"},
            "prices": {"source": "file", "file": "bundled:us_stocks_2007_2010"},
            "agreement": {"model": 2},
            "participants": {"lenders": lenders, "borrowers": borrowers},
            "loan": {"principal": 1e6, "spread": {"kind": "lognormal"}},
        },
        "benchmark",
    )


def measure(loans: int, borrowers: int, **compared: int) -> Iterator[Measurement]:
    """Measure, one after the other; warm-up first, so that compilation is not in any figure.

    Args:
        loans: size of the market in columns.
        borrowers: that share them.
        compared: loans in each of the comparisons: `objects`, with one Python object a loan;
            `sheets`, with markets that keep balance sheets; `turnover`, of a book that comes and
            goes; `year`, of one that is simulated for a year; `cheapest`, of cheapest deliveries
            with those by priority. 0 leaves one out.
    """
    market_of(100, 10).run()
    # In this order: building is faster in memory that other markets have used before.
    yield from _memory(loans, borrowers)
    yield from _whole_run(loans, borrowers)
    yield from _passes(loans, borrowers)
    yield from _deciding()
    if size := compared.get("objects"):
        yield from _objects(size)
    if size := compared.get("sheets"):
        yield from compare_sheets(scenario_of(size, borrowers))
    if size := compared.get("turnover"):
        yield from compare_turnover(size)
    if size := compared.get("year"):
        yield from measure_year(size)
    if size := compared.get("cheapest"):
        yield from compare_cheapest(size)


def _bare(market: CollateralMarket) -> Callable[[], None]:
    phases = market.phases
    assert isinstance(phases, ColumnsDay)
    calls, answers = phases.calls, phases.asking.nobody

    def one_day() -> None:
        market.day += 1
        prices = market.path[market.day]
        run_returns(market.books, prices, market.day, answers, calls, 0, len(calls))
        run_deliveries(market.books, prices, market.day, answers, calls, 0, len(calls))

    return one_day


def _in_c(market: CollateralMarket, run_c: Callable[[np.ndarray], None]) -> Callable[[], None]:
    def one_day() -> None:
        market.day += 1
        run_c(np.ascontiguousarray(market.path[market.day]))

    return one_day


def _time(action: Callable[[], object]) -> float:
    start = perf_counter()
    action()
    return perf_counter() - start


def _by_stretches(*actions: Callable[[], object]) -> Days:
    """Seconds of each day by action, timed some days at a time each, the first of them left out.

    On that day the caches are full of what the other actions left there.
    """
    days: Days = []
    for _ in range(STRETCHES):
        times = [[_time(action) for _ in range(DAYS_A_STRETCH)][1:] for action in actions]
        days.extend(zip(*times, strict=True))
    return days


def _fastest(repetition: Callable[[], tuple[int, Days]]) -> tuple[int, list[float]]:
    """Loans, and the mean seconds of a day by action, of each day the fastest of some repetitions.

    One interruption takes as long as a hundred days of a small market.
    """
    repetitions = []
    for _ in range(REPETITIONS):
        gc.collect()  # the markets of the one before
        repetitions.append(repetition())
    loans, days = zip(*repetitions, strict=True)
    return loans[0], np.min(days, axis=0).mean(axis=0).tolist()


def _passes(loans: int, borrowers: int) -> Iterator[Measurement]:
    """The bare pass against C, and the whole step against the bare pass."""
    benchmarks = comparisons("c_pass")
    if benchmarks is not None and benchmarks.compiler() is None:
        benchmarks = None
    market = market_of(loans, borrowers)
    assert isinstance(market.phases, ColumnsDay)
    moved = bytes_of_pass(market.books, market.phases.calls)
    market.release()
    passes = partial(_run_passes, loans, borrowers, benchmarks, adder_of(moved))
    number, (step, bare, add, *in_c) = _fastest(passes)
    unit, rate = "million loan-days/s", number / 1e6
    for c in in_c:
        yield Measurement("pass in C", number, rate / c, unit)
        compared = ("pass in C", c / bare, "at least 1 x")
        yield Measurement("bare pass", number, rate / bare, unit, *compared)
    if not in_c:
        yield Measurement("bare pass", number, rate / bare, unit)
    compared = ("bare pass", bare / step, "at least 0.7 x")
    yield Measurement("whole step", number, rate / step, unit, *compared)
    yield Measurement("bytes of the pass", number, moved / number, "bytes/loan-day")
    yield Measurement("memory bandwidth", number, moved / add / 1e9, "GB/s")
    name = "bandwidth of the bare pass"
    yield Measurement(name, number, moved / bare / 1e9, "GB/s", "memory bandwidth", add / bare)


def _run_passes(
    loans: int, borrowers: int, benchmarks: ModuleType | None, add: Callable[[], object]
) -> tuple[int, Days]:
    """Days of the whole step and of the bare pass, what memory takes to `add`, and days of the
    pass in C where it can be built."""
    whole, bare = market_of(loans, borrowers), market_of(loans, borrowers)
    if benchmarks is None:
        days = _by_stretches(whole.step, _bare(bare), add)
    else:
        bare.books.totals[:] = 0
        in_c = market_of(loans, borrowers)
        run_c = benchmarks.CPass(in_c)
        days = _by_stretches(whole.step, _bare(bare), add, _in_c(in_c, run_c))
        if (in_c.ledger.wallets[:-1] != bare.ledger.wallets[:-1]).any():
            raise RuntimeError("the pass in C moved other tokens: the comparison means nothing")
        if (run_c.totals != bare.books.totals).any():
            raise RuntimeError("the pass in C counts otherwise: the comparison means nothing")
        in_c.release()
    whole.release()
    bare.release()
    return len(bare.books.loans), days


def _whole_run(loans: int, borrowers: int) -> Iterator[Measurement]:
    gc.collect()
    start = perf_counter()
    market = market_of(loans, borrowers)
    built = perf_counter() - start
    number = len(market.books.loans)
    yield Measurement("build", number, built, "s")
    while market.running:
        market.step()
    yield Measurement("build and 61 days", number, perf_counter() - start, "s")


def _memory(loans: int, borrowers: int) -> Iterator[Measurement]:
    """Peak memory of a process of its own: before others, as it inherits the peak of this one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        number, held, peak = apart.submit(_peak_memory, loans, borrowers).result()
    yield Measurement("memory of the books", number, held / number, "bytes/loan")
    yield Measurement("peak memory of a process", number, peak / 2**30, "GiB")


def _peak_memory(loans: int, borrowers: int) -> tuple[int, int, int]:
    """Build a market and run some days of it: loans, bytes of the books, most bytes held here."""
    market = market_of(loans, borrowers)
    for _ in range(5):
        market.step()
    books = market.books
    arrays = [books.ledger.balance, books.lent, np.asarray(books.loans), np.asarray(books.accounts)]
    held = sum(array.nbytes for array in arrays)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return len(books.loans), held, peak * (1 if sys.platform == "darwin" else 1024)


def _deciding() -> Iterator[Measurement]:
    """A day of borrowers that decide in columns against one of standard borrowers."""
    number, (default, decided) = _fastest(_run_deciding)
    yield Measurement("day by default", number, default * 1e3, "ms")
    yield Measurement(
        "day decided in columns", number, decided * 1e3, "ms", "day by default", default / decided
    )


def _run_deciding() -> tuple[int, Days]:
    """Days of standard borrowers, and of such that decide the same in columns."""
    market, asked = market_of(DECIDING, DECIDING), market_of(DECIDING, DECIDING, InColumns)
    days = _by_stretches(market.step, asked.step)
    if (market.ledger.arrays.balance != asked.ledger.arrays.balance).any():
        raise RuntimeError("borrowers that decide moved other tokens: the comparison means nothing")
    market.release()
    asked.release()
    return DECIDING, days


def _objects(loans: int) -> Iterator[Measurement]:
    """A day of the columns against one Python object a loan; same tokens, same statistics."""
    benchmarks = comparisons("object_market")
    if benchmarks is None:
        return
    number, (columns, objects) = _fastest(partial(_run_objects, loans, benchmarks))
    name = "day with an object a loan"
    yield Measurement(name, number, objects * 1e3, "ms")
    yield Measurement("day in columns", number, columns * 1e3, "ms", name, objects / columns)


def _run_objects(loans: int, benchmarks: ModuleType) -> tuple[int, Days]:
    """Days of the columns and of the objects."""
    market = market_of(loans, 100)
    plain = benchmarks.PlainMarket(market)
    days = _by_stretches(market.step, plain.step)
    benchmarks.compare(market, plain)
    market.release()
    return len(market.books.loans), days


def comparisons(name: str) -> ModuleType | None:
    """A module of `tests/benchmarks`, where this runs from a checkout."""
    if not (CHECKOUT / "tests" / "benchmarks" / f"{name}.py").is_file():
        return None
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    return import_module(f"tests.benchmarks.{name}")
