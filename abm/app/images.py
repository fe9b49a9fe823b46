"""From figures to what a browser shows."""

from __future__ import annotations

import base64
import io
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

drawing = Lock()
"""Matplotlib shares font caches between figures: sessions draw one after the other."""


def encode(canvas: FigureCanvasAgg) -> bytes:
    """What is on a canvas as PNG, compressed lightly: it has a short way to go."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def data_url(image: bytes) -> str:
    """A PNG as an address that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
