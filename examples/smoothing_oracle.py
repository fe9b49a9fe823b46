"""An oracle that publishes the mean of today's price and what it published last."""

from abm.agents import Oracle
from abm.model import CollateralMarket


class Smoothing(Oracle):
    last = None

    def choose_prices(self, prices):
        last = self.last or prices
        self.last = {token: (price + last[token]) / 2 for token, price in prices.items()}
        return self.last


if __name__ == "__main__":
    market = CollateralMarket("crash", rng=1, behaviours={"oracle": Smoothing}).run()
    print(f"{market.summary()['close_out_loss']:,.0f} lost in close-outs")
