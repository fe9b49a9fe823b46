"""A rule of one's own: the haircut follows the volatility of the last 20 days, from 5 % upwards."""

import numpy as np

from abm.model import CollateralMarket
from abm.rules.rule import Rule


class VolatilityHaircut(Rule):
    rewrites = ("haircut",)

    def __init__(self, multiple=3.0, floor=0.05):
        self.multiple, self.floor = multiple, floor

    def today(self, agreement, seen):
        returns = np.diff(np.log(seen.prices[-21:]), axis=0)
        volatility = returns.std(axis=0).mean() if len(returns) > 1 else 0.0
        return {"haircut": min(max(self.floor, self.multiple * volatility), 0.5)}


if __name__ == "__main__":
    rules = [{"use": "volatility_haircut:VolatilityHaircut", "parameters": {"multiple": 2.0}}]
    market = CollateralMarket("crash", rng=1, rules=rules).run()
    print(market.summary()["margin_calls"], "margin calls")
