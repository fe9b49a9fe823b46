"""Block bootstrap: only rows that exist, blocks of the right length, same-day correlation kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.prices import BootstrapSource, Window
from scenarios.prices.bootstrap import Method, block_length, bootstrap_rows
from scenarios.prices.history import History, log_returns_of

HISTORY = History(file="bundled:us_stocks_2007_2010")
TOKENS = ("AAPL", "GOOG", "IBM", "MSFT")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    sample=st.integers(1, 50),
    days=st.integers(0, 60),
    block=st.floats(1, 80),
    method=st.sampled_from(["stationary", "circular"]),
)
def test_only_rows_that_exist_are_drawn(
    sample: int, days: int, block: float, method: Method
) -> None:
    rows = bootstrap_rows(sample, days, 3, block, method, rng())
    assert rows.shape == (3, days)
    assert ((rows >= 0) & (rows < sample)).all()


@pytest.mark.parametrize("block", [2.0, 10.0, 25.5])
def test_stationary_blocks_have_geometric_length(block: float) -> None:
    """A new block begins with chance p = 1/block, so the mean length is 1/p."""
    rows = bootstrap_rows(10_000, 2000, 500, block, "stationary", rng())
    begins = np.diff(rows, axis=1) % 10_000 != 1
    assert begins.mean() == pytest.approx(1 / block, rel=0.02)
    # Memoryless: the chance is the same right after a beginning.
    assert begins[:, 1:][begins[:, :-1]].mean() == pytest.approx(1 / block, rel=0.1)


def test_circular_blocks_have_fixed_length_and_wrap() -> None:
    rows = bootstrap_rows(30, 20, 400, 5, "circular", rng())
    blocks = rows.reshape(400, 4, 5)
    np.testing.assert_array_equal(np.diff(blocks, axis=2) % 30, 1)
    assert (np.diff(blocks, axis=2) < 0).any(), "some block wraps from the last row to the first"


@pytest.mark.parametrize("method", ["stationary", "circular"])
def test_a_block_of_one_is_the_iid_bootstrap(method: Method) -> None:
    rows = bootstrap_rows(7, 100, 2000, 1, method, rng())
    follows = (np.diff(rows, axis=1) % 7 == 1).mean()
    assert follows == pytest.approx(1 / 7, abs=0.005)


@pytest.mark.parametrize("method", ["stationary", "circular"])
def test_every_row_is_drawn_equally_often(method: Method) -> None:
    """Both schemes wrap, so that rows at the edges are not drawn less."""
    rows = bootstrap_rows(20, 50, 20_000, 10, method, rng())
    shares = np.bincount(rows.ravel(), minlength=20) / rows.size
    np.testing.assert_allclose(shares, 1 / 20, rtol=0.05)


@pytest.mark.parametrize("method", ["stationary", "circular"])
def test_drawn_returns_are_rows_of_the_history(method: Method) -> None:
    recorded = HISTORY.panel(TOKENS)
    known = {row.tobytes() for row in log_returns_of(recorded)}
    source = BootstrapSource(tokens=TOKENS, history=HISTORY, block=8, method=method)
    drawn = source.log_returns(200, 20, rng())
    assert all(row.tobytes() in known for row in drawn.reshape(-1, 4))


def test_same_day_correlation_and_moments_are_the_historys() -> None:
    returns = log_returns_of(HISTORY.panel(TOKENS))
    source = BootstrapSource(tokens=TOKENS, history=HISTORY, block=5)
    drawn = source.log_returns(1000, 500, rng()).reshape(-1, 4)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(returns.T), atol=0.01)
    np.testing.assert_allclose(drawn.std(axis=0), returns.std(axis=0), rtol=0.02)
    np.testing.assert_allclose(
        drawn.mean(axis=0), returns.mean(axis=0), atol=5 * 0.026 / np.sqrt(len(drawn)) * 2
    )


def test_blocks_keep_volatility_clusters_that_single_days_lose() -> None:
    def clustering(block: float) -> float:
        source = BootstrapSource(tokens=TOKENS, history=HISTORY, block=block)
        squares = source.log_returns(1000, 100, rng())[..., 2] ** 2
        return float(np.corrcoef(squares[:, :-1].ravel(), squares[:, 1:].ravel())[0, 1])

    assert abs(clustering(1)) < 0.02
    assert clustering(40) > 0.1


def test_prices_begin_where_the_history_ended() -> None:
    source = BootstrapSource(tokens=TOKENS, history=HISTORY, block=5)
    np.testing.assert_array_equal(
        source.paths(10, 3, rng())[:, 0], np.tile(HISTORY.panel(TOKENS).close[-1], (3, 1))
    )


def test_one_column_may_stand_for_several_tokens() -> None:
    history = History(file=HISTORY.file, columns=("IBM", "IBM"))
    drawn = BootstrapSource(tokens=("X", "Y"), history=history, block=5).log_returns(50, 2, rng())
    np.testing.assert_array_equal(drawn[..., 0], drawn[..., 1])


class TestBlockLength:
    def test_independent_returns_need_short_blocks(self) -> None:
        pytest.importorskip("arch")
        assert block_length(rng().normal(0, 0.01, (1000, 2)), "stationary") < 8

    def test_clustered_volatility_asks_for_longer_ones(self) -> None:
        pytest.importorskip("arch")
        returns = log_returns_of(HISTORY.panel(TOKENS))
        assert 8 < block_length(returns, "stationary") < 200
        # The circular bootstrap's optimum is longer by (3/2)^(1/3) (Politis and White 2004).
        ratio = block_length(returns, "circular") / block_length(returns, "stationary")
        assert ratio == pytest.approx(1.5 ** (1 / 3), rel=0.01)

    def test_a_price_that_never_moves_has_no_say(self) -> None:
        pytest.importorskip("arch")
        assert block_length(np.zeros((100, 2)), "circular") == 1.0

    def test_is_used_where_none_is_given(self) -> None:
        pytest.importorskip("arch")
        source = BootstrapSource(tokens=TOKENS, history=HISTORY)
        given = BootstrapSource(
            tokens=TOKENS,
            history=HISTORY,
            block=block_length(log_returns_of(HISTORY.panel(TOKENS)), "stationary"),
        )
        np.testing.assert_array_equal(
            source.log_returns(50, 2, rng()), given.log_returns(50, 2, rng())
        )

    def test_without_arch_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import sys

        from scenarios.errors import InputError

        monkeypatch.setitem(sys.modules, "arch", None)
        with pytest.raises(InputError, match=r"prices.block: give a length in days.*\[prices\]"):
            block_length(np.ones((10, 1)), "stationary")


def test_a_re_drawn_day_trades_what_the_history_did_on_average() -> None:
    source = BootstrapSource(tokens=("IBM", "AAPL"), history=HISTORY, block=5)
    panel = source.panel(Window(date(2020, 1, 1), date(2020, 2, 1)), rng())
    traded = HISTORY.panel(("IBM", "AAPL")).volume
    assert panel.volume is not None
    assert traded is not None
    assert panel.volume.shape == panel.close.shape
    assert (panel.volume == traded.mean(axis=0)).all()
