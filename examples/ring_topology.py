"""A network of one's own: dealers lend to one another in a ring, and the last to all borrowers."""

import numpy as np

from abm.model import CollateralMarket


def ring(lenders, borrowers, dealers, rng, chords=0):
    extra = rng.choice(dealers, (chords, 2)) if chords else np.zeros((0, 2), int)
    extra = extra[extra[:, 0] != extra[:, 1]]
    lender = np.concatenate([dealers, np.full(len(borrowers), dealers[-1]), extra[:, 0]])
    borrower = np.concatenate([np.roll(dealers, -1), borrowers, extra[:, 1]])
    return lender, borrower


if __name__ == "__main__":
    own = {"topology": "own", "use": "ring_topology:ring", "parameters": {"chords": 3}}
    market = CollateralMarket("network-core-periphery", rng=1, network=own).run()
    print(market.network)
