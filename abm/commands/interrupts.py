"""Ctrl-C, however often it is pressed, stops a command once and cleanly."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CODE = 130
"""Exit code of what was interrupted, as shells have it."""

PATIENCE = 3.0
"""Seconds in which what was interrupted can tidy up before another Ctrl-C interrupts that.

Not for ever, as a library may swallow the first one.
"""


@contextmanager
def raised_once(*numbers: int) -> Iterator[None]:
    """Have signals raise KeyboardInterrupt, and once more only after `PATIENCE`.

    Else the second press would break off what tidies up after the first, and the third what Python
    does at its end, with a traceback each.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what signals do
        return
    latest = -PATIENCE

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal latest
        now = time.monotonic()
        if now - latest >= PATIENCE:
            latest = now
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        # The process is about to end; what it does then is short, and not to be interrupted.
        before = dict.fromkeys(numbers, signal.SIG_IGN)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
