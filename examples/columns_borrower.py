"""All borrowers decide at once, in arrays: nobody meets a call of more than a tenth of its loan."""

from abm.agents import Borrower
from abm.model import CollateralMarket


class Strained(Borrower):
    @classmethod
    def meet_call_in_columns(cls, calls):
        return calls.missing < 0.1 * calls.exposure


if __name__ == "__main__":
    market = CollateralMarket("crash", rng=1, behaviours={"borrower": Strained}).run()
    print(market.summary()["unmet_calls"], "calls unmet")
