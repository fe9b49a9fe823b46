"""A session steps in threads of its own: it neither freezes nor breaks the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("solara", reason="the extra `app` is not installed")

from abm.page.session import Session
from abm.page.settings import Settings
from abm.page.stage import Stage


def wait_until(condition: Callable[[], Any]) -> None:
    """Wait for another thread, in vain for twenty seconds at most."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def day(session: Session) -> int:
    return session.views.value[0].day


@pytest.fixture
def session() -> Iterator[Session]:
    """A session with a market on its first day."""
    session = Session(Settings("prices-file"))
    session.reset()
    wait_until(lambda: session.views.value and not session.working.value)
    yield session
    session.close()


def test_a_step_is_a_day(session: Session) -> None:
    assert day(session) == 0
    session.step()
    wait_until(lambda: day(session) == 1 and not session.working.value)
    assert len(session.views.value[0].events)


def test_play_goes_on_until_a_pause(session: Session) -> None:
    session.choose_speed("fastest")
    session.play()
    wait_until(lambda: day(session) >= 3)
    session.pause()
    assert not session.playing.value
    time.sleep(0.2)
    stopped = day(session)
    time.sleep(0.3)
    assert day(session) == stopped


def test_pausing_and_playing_again_at_once_is_one_player(session: Session) -> None:
    session.choose_speed("10 days a second")
    for _ in range(5):
        session.play()
        session.pause()
    session.play()
    time.sleep(0.55)
    session.pause()
    assert day(session) <= 12


def test_play_stops_at_the_end_of_the_window(session: Session) -> None:
    session.choose_speed("fastest")
    session.play()
    wait_until(lambda: not session.playing.value)
    assert day(session) == session.views.value[0].last_day
    assert not session.error.value


def test_a_change_starts_anew(session: Session) -> None:
    session.step()
    wait_until(lambda: day(session) == 1 and not session.working.value)
    session.change(model=2)
    wait_until(lambda: session.views.value[0].title == "Model 2")
    assert day(session) == 0
    assert session.views.value[0].trigger == 0


def test_a_slider_that_passes_by_builds_one_market(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    original = Settings.markets
    monkeypatch.setattr(
        Settings, "markets", lambda self: built.append(self.haircut) or original(self)
    )
    for haircut in (0.1, 0.11, 0.12, 0.13):
        session.change(haircut=haircut)
    wait_until(lambda: not session.working.value)
    assert built == [0.13]


def test_an_impossible_setting_shows_why_and_leaves_the_rest_usable(session: Session) -> None:
    session.change(topology="complete", participants=1000)
    wait_until(lambda: not session.working.value)
    assert "at most" in session.error.value
    assert session.views.value == ()
    session.step()
    session.play()
    assert not session.playing.value
    session.change(participants=10)
    wait_until(lambda: session.views.value)
    assert session.error.value == ""


def test_an_error_in_a_step_is_shown_and_a_reset_helps(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(stage: Stage) -> None:
        raise RuntimeError("the ledger is short of three tokens")

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "step", fail)
        session.play()
        wait_until(lambda: session.error.value)
    assert "Day 1 could not be simulated" in session.error.value
    assert "the ledger is short of three tokens" in session.error.value
    wait_until(lambda: not session.playing.value)
    assert day(session) == 0
    session.play()
    assert not session.playing.value
    session.reset()
    wait_until(lambda: not session.working.value)
    assert session.error.value == ""
    session.step()
    wait_until(lambda: day(session) == 1)


def test_a_long_step_does_not_hold_the_page(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def long(stage: Stage) -> None:
        begun.set()
        assert go_on.wait(20)

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "step", long)
        session.step()
        assert begun.wait(20)
        # All of this returns while the step is under way.
        session.select("B1")
        session.choose_layout("force")
        assert (session.participant.value, session.layout.value) == ("B1", "force")
        session.change(seed=9)
        wait_until(lambda: session.stage is not None and session.stage.settings.seed == 9)
        wait_until(lambda: not session.working.value)
        go_on.set()
    time.sleep(0.1)
    assert day(session) == 0, "what the old run came to must not be shown"


def test_sessions_have_markets_of_their_own(session: Session) -> None:
    other = Session(Settings("prices-file"))
    other.reset()
    wait_until(lambda: other.views.value)
    other.step()
    wait_until(lambda: day(other) == 1)
    assert day(session) == 0
    other.close()


def test_nobody_unknown_is_selected(session: Session) -> None:
    session.select("<script>")
    assert session.participant.value is None


def test_a_closed_session_stops(session: Session) -> None:
    session.choose_speed("fastest")
    session.play()
    wait_until(lambda: day(session) >= 1)
    session.close()
    time.sleep(0.3)
    stopped = day(session)
    time.sleep(0.2)
    assert day(session) == stopped
    assert session.tables("csv") == b""
