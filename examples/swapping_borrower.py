"""A borrower that takes back what it brought of its scarcest token, and brings another for it."""

import numpy as np

from abm.agents import Borrower
from abm.model import CollateralMarket


class Swapping(Borrower):
    def choose_substitutions(self, accounts):
        chosen = np.zeros(accounts.held.shape, np.int64)
        left = accounts.wallet[0].copy()
        for row, (held, counts) in enumerate(zip(accounts.held, accounts.counts, strict=True)):
            back, come = (self.model.tokens.index(token) for token in ("IBM", "MSFT"))
            comes = min(left[come], int(held[back] * counts[back] // counts[come]))
            goes = int(comes * counts[come] // counts[back])
            chosen[row, back], chosen[row, come] = -goes, comes if goes else 0
            left[come] -= chosen[row, come]
        return chosen


if __name__ == "__main__":
    market = CollateralMarket(
        "network-random-bipartite",
        rng=1,
        behaviours={"borrower": Swapping},
        measures=["abm.measures.collateral:substitutions"],
        **{"participants.prefunded_inventory": 0.2},
    )
    print(int(market.run().summary()["substitutions"]), "substitutions")
