"""What went wrong in a behaviour of one's own, and where, in one line."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

from scenarios.errors import InputError

_NOT_THE_USERS = tuple(
    str(Path(str(folder)).resolve())
    for folder in (
        *(Path(__file__).parents[1] / package for package in ("abm", "analysis", "scenarios")),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)


def place_in_behaviour(error: BaseException) -> str | None:
    """File, line and function of the user's own code that an error comes from; None if of none."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    return _place(own[-1]) if own else None


def told(error: BaseException) -> str:
    """An error in one line: what is wrong, and the place, unless the message names it."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    text = f"{type(error).__name__}: {text}".removesuffix(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) or not frames:
        return text
    return f"{text} ({place_in_behaviour(error) or _place(frames[-1])})"


def own_traceback(error: BaseException) -> str:
    """The traceback of an error in the user's own code, from that code on; empty if of none."""
    if isinstance(error, InputError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, InputError) or place_in_behaviour(error) is None:
        return ""
    trace = error.__traceback__
    while trace is not None and not _is_own(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _is_own(filename: str) -> bool:
    """Whether a file is the user's: neither of this package nor of what is installed."""
    if filename.startswith("<"):
        return False
    return not str(Path(filename).resolve()).startswith(_NOT_THE_USERS)


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}"
