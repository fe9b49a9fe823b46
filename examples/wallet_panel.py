"""A panel of one's own beside the page's: what each dealer has in its wallet today."""

import solara
from mesa.visualization.utils import update_counter

from abm.model import CollateralMarket
from abm.page.solara_viz import Market, visualise


@solara.component
def Wallets(market):  # noqa: N802
    update_counter.get()  # draws again after each step
    dealers = [agent for agent in market.participants.values() if agent.role == "dealer"]
    solara.Markdown("\n".join(f"- {dealer.name}: {dealer.wallet}" for dealer in dealers))


# Open with `solara run examples/wallet_panel.py`.
market = CollateralMarket("crash", rng=1, events=True)
page = visualise("crash", components=[(Wallets, 0), (Market, 0)])
