"""A price source of one's own: a season of 20 days, and noise."""

import numpy as np

from abm.model import CollateralMarket
from scenarios.scenario import Scenario


def season(days, tokens, rng, swing=0.05, noise=0.01):
    wave = 1 + swing * np.sin(2 * np.pi * np.arange(len(days)) / 20)
    walk = np.exp(noise * rng.standard_normal((len(days), len(tokens))).cumsum(axis=0))
    return 100 * wave[:, None] * walk / walk[0]


if __name__ == "__main__":
    own = {"source": "own", "use": "season_prices:season", "tokens": ["A", "B"]}
    scenario = Scenario.load("network-random-bipartite").with_changes({"prices": own})
    market = CollateralMarket(scenario, rng=1).run()
    print(market.days_frame()[["date", "exposure", "coverage"]].tail())
