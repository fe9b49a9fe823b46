"""What Solara serves for `collateral serve`: the page with what `abm.page.launch` was given."""

from __future__ import annotations

import solara

from abm.page.component import MarketPage
from abm.page.launch import offered


@solara.component
def Page() -> None:  # noqa: N802
    """The page, for one browser session."""
    MarketPage(offered())
