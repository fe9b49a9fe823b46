"""One browser session: its settings, its run, and the threads that step it.

Steps run in a thread of their own and the page shows copies of the days (`view`), so a long step
leaves the page alive, and an error in it leaves the page usable.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import solara

from abm.page.layouts import LAYOUTS
from abm.page.settings import Settings
from abm.page.stage import Format, Stage
from abm.page.view import DayView
from scenarios.errors import InputError

log = logging.getLogger(__name__)

SPEEDS = {"1 day a second": 1.0, "3 days a second": 0.33, "10 days a second": 0.1, "fastest": 0.0}
"""Seconds from one day to the next, by what the page calls it."""

BREATH = 0.03
"""Seconds between two days at any speed, in which clicks are heard."""

SETTLE = 0.25
"""Seconds for which a setting must stay before a market is built: a slider passes by many."""


class Session:
    """The state of one page. Make one for each browser session, never one for all."""

    def __init__(self, settings: Settings):
        """Start with these settings and nothing built."""
        self.settings = solara.reactive(settings)
        self.views: solara.Reactive[tuple[DayView, ...]] = solara.reactive(())
        self.error = solara.reactive("")
        self.playing = solara.reactive(False)
        self.working = solara.reactive(False)
        self.broken = solara.reactive(False)
        """Whether an error has ended the run; a reset starts a new one."""
        self.speed = solara.reactive("3 days a second")
        self.layout = solara.reactive("core-periphery")
        self.participant: solara.Reactive[str | None] = solara.reactive(None)
        self.stage: Stage | None = None
        self.seconds = (0.0, 0.0)
        """How long the day took to simulate, and the last one to draw."""
        self._run = object()
        self._play = object()
        self._stepping = threading.Lock()

    def change(self, **settings: Any) -> None:
        """Change settings and start anew with them."""
        changed = replace(self.settings.value, **settings)
        if changed != self.settings.value:
            self.settings.set(changed)
            self.reset(SETTLE)

    def choose_scenario(self, name: str) -> None:
        """Start anew with another scenario, everything else as it has it."""
        seed, compare, model = (
            getattr(self.settings.value, k) for k in ("seed", "compare", "model")
        )
        self.settings.set(Settings(name, model=model, compare=compare, seed=seed))
        self.participant.set(None)
        self.reset()

    def choose_layout(self, layout: str) -> None:
        """Show another layout."""
        if layout in LAYOUTS:
            self.layout.set(layout)

    def choose_speed(self, speed: str) -> None:
        """Play at another speed."""
        if speed in SPEEDS:
            self.speed.set(speed)

    def select(self, participant: str | None) -> None:
        """Tell of a participant and show its events only; of none if there is no such one."""
        views = self.views.value
        known = bool(views) and participant in views[0].graph.names
        self.participant.set(participant if known else None)

    def reset(self, settle: float = 0.0) -> None:
        """Build the market anew, on the day on which the loans are opened."""
        run = self._run = object()
        self.pause()
        self.working.set(True)
        self._start(lambda: self._build(run, settle))

    def step(self) -> None:
        """Simulate one day."""
        if not self.working.value and not self.playing.value:
            run = self._run
            self.working.set(True)
            self._start(lambda: self._step_once(run))

    def play(self) -> None:
        """Simulate day after day until a pause, the end, or an error."""
        if self.playing.value or self.broken.value or self.stage is None:
            return
        run, play = self._run, object()
        self._play = play
        self.playing.set(True)
        self._start(lambda: self._keep_playing(run, play))

    def pause(self) -> None:
        """Stop after the day that is being simulated."""
        self._play = object()
        self.playing.set(False)

    def tables(self, form: Format) -> bytes:
        """The run's tables, as `Stage.tables` gives them; nothing if there is no run."""
        return self.stage.tables(form) if self.stage is not None else b""

    def close(self) -> None:
        """End the threads and let go of the markets."""
        self._run = self._play = object()
        stage, self.stage = self.stage, None
        if stage is not None:
            stage.release()

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()

    def _build(self, run: object, settle: float) -> None:
        time.sleep(settle)
        if run is not self._run:
            return
        stage: Stage | None = None
        views: tuple[DayView, ...] = ()
        message = ""
        try:
            stage = Stage(self.settings.value)
            views = stage.look()
        except InputError as error:
            message = str(error)
        except Exception as error:
            log.exception("the market could not be built")
            message = f"The market could not be built: {type(error).__name__}: {error}"
        if run is not self._run:
            return
        old, self.stage = self.stage, stage
        if old is not None:
            old.release()
        self.seconds = (0.0, 0.0)
        self.error.set(message)
        self.broken.set(stage is None)
        if views and self.participant.value not in (None, *views[0].graph.names):
            self.participant.set(None)
        self.views.set(views)
        self.working.set(False)

    def _step_once(self, run: object) -> None:
        self._advance(run)
        if run is self._run:
            self.working.set(False)

    def _keep_playing(self, run: object, play: object) -> None:
        while run is self._run and play is self._play:
            began = time.perf_counter()
            if not self._advance(run):
                break
            left = SPEEDS[self.speed.value] - (time.perf_counter() - began)
            time.sleep(max(left, BREATH))
        if run is self._run and play is self._play:
            self.playing.set(False)

    def _advance(self, run: object) -> bool:
        """Simulate a day and show it; says whether there are more."""
        with self._stepping:
            stage = self.stage
            if stage is None or run is not self._run or not stage.running or self.broken.value:
                return False
            began = time.perf_counter()
            try:
                stage.step()
                views = stage.look()
            except Exception as error:
                log.exception("a day could not be simulated")
                if run is self._run:
                    self._report(error)
                return False
            simulated = time.perf_counter()
            if run is not self._run:
                return False
            # The page tells how long this day was simulated, and the one before was drawn.
            self.seconds = (simulated - began, self.seconds[1])
            self.views.set(views)
            self.seconds = (simulated - began, time.perf_counter() - simulated)
            return stage.running

    def _report(self, error: Exception) -> None:
        """Show an error that ended the run."""
        day = self.views.value[0].day + 1 if self.views.value else 0
        what = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        self.error.set(
            f"Day {day} could not be simulated: {what}. What is shown is the day before;"
            " Reset starts anew."
        )
        self.broken.set(True)
        self.playing.set(False)
