"""A borrower that keeps its leverage close to 2: it sells above, and buys below."""

import numpy as np

from abm.agents import Borrower
from abm.model import CollateralMarket


class Targeting(Borrower):
    def choose_trades(self, sheet):
        wanted = np.clip(sheet.leverage[0], 1.95, 2.05) - sheet.leverage[0]
        if not np.isfinite(wanted):
            return {}
        part = wanted * sheet.equity[0] / max(sheet.outside[0, :-1] @ sheet.prices[:-1], 1)
        traded = (part * sheet.outside[0, :-1]).astype(int)
        return dict(zip(self.model.tokens, traded, strict=False))


if __name__ == "__main__":
    changes = {"balance.borrower.outside": 1.0, "balance.borrower.leverage": 2.0}
    changes["balance.borrower.credit_line"] = 1.0
    behaviours = {"borrower": Targeting}
    market = CollateralMarket("network-random-bipartite", rng=1, behaviours=behaviours, **changes)
    summary = market.run().summary()
    print(summary["outside_sold_value"], "sold,", summary["outside_bought_value"], "bought")
