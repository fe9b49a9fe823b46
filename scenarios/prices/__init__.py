"""Price panels and where they come from."""

from scenarios.prices.panel import PricePanel
from scenarios.prices.source import PriceSource, Window

__all__ = ["PricePanel", "PriceSource", "Window"]
