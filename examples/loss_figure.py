"""A figure of one's own: the exposure that collateral does not cover, day by day."""

from matplotlib.figure import Figure

from abm.model import CollateralMarket


def uncovered(days):
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(days["date"], days["uncollateralised_before"] / 1e6)
    axes.set_ylabel("uncollateralised\nmillion USD")
    axes.tick_params(axis="x", rotation=30)
    return figure


if __name__ == "__main__":
    market = CollateralMarket("dealers-under-stress", rng=1).run()
    uncovered(market.days_frame()).savefig("uncovered.png")
    print("wrote uncovered.png")
