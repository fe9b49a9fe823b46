"""10,000 borrowers decide at once, in arrays: each keeps back half of every token it holds."""

import numpy as np

from abm.agents import Borrower
from abm.model import CollateralMarket


class Hoarding(Borrower):
    @classmethod
    def choose_delivery_in_columns(cls, calls):
        return np.minimum(calls.default, calls.wallet // 2)


if __name__ == "__main__":
    changes = {
        "participants.borrowers": 10_000,
        "participants.prefunded_inventory": 0.5,
        "participants.issuance_capacity": 0.0,
        "network.lenders_per_borrower": 1,
    }
    behaviours = {"borrower": Hoarding}
    market = CollateralMarket("network-random-bipartite", rng=1, behaviours=behaviours, **changes)
    print(market.run().summary()["unmet_calls"], "calls unmet")
