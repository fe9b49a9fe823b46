"""The agents of the market, one class a file."""

from abm.agents.borrower import Borrower
from abm.agents.clearing_house import ClearingHouse
from abm.agents.custodian import Custodian
from abm.agents.dealer import Dealer
from abm.agents.lender import Lender
from abm.agents.oracle import Oracle
from abm.agents.participant import Participant, Wallet

__all__ = [
    "Borrower",
    "ClearingHouse",
    "Custodian",
    "Dealer",
    "Lender",
    "Oracle",
    "Participant",
    "Wallet",
]
