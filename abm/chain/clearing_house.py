"""The clearing house, custodian and close-out desk of a market whose ledger is on the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.agents.clearing_house import ClearingHouse
from abm.agents.custodian import Custodian
from abm.books import tally
from abm.books.ledger import Holdings, LedgerError
from abm.books.loan_book import ACTIVE, NEVER, OPEN_LOAN, SETTLED
from abm.chain.chain import Chain
from abm.chain.close_out import ChainDesk
from abm.chain.machine import RevertedError
from abm.chain.records import DELIVERY, RETURN, Outcome
from abm.chain.terms import refuse_unsupported
from abm.day.margining import mark_exposures
from scenarios.errors import InputError

if TYPE_CHECKING:
    from abm.agents.participant import Participant
    from abm.model import CollateralMarket

Ints = npt.NDArray[np.int64]


class ChainClearingHouse(ClearingHouse):
    """Runs the margin process by transactions, and enters what the contracts say into the books.

    The contracts decide: what the compiled passes would have done is not computed here.
    """

    def __init__(self, model: CollateralMarket):
        """Deploy the contracts for a market, which has not opened its loans.

        Raises:
            InputError: the scenario has terms that the contracts do not support.
        """
        refuse_unsupported(model.scenario, len(model.tokens))
        super().__init__(model)
        if len(self.asked_for_returns) or len(self.asked_for_deliveries):
            raise InputError(
                f'{model.scenario.name}: behaviours: on ledger = "evm" the contracts decide'
            )
        if model.events.enabled:
            raise InputError(
                f'{model.scenario.name}: ledger = "evm" keeps no event records;'
                " its transactions are in `market.chain.gas_frame()`"
            )
        self.chain = model.chain = Chain(model)
        model.desk = ChainDesk.instead_of(model.desk, self.chain)
        self._outcomes: dict[int, Outcome] = {}

    def open_loans(self, posted: Ints) -> None:
        """Fund the participants, open all loans on day 0, and mark them."""
        market, books = self.model, self.model.books
        totals, loans, accounts = books.totals, books.loans, books.accounts
        self.chain.begin_day()
        self.chain.fund(posted)
        for i in range(len(loans)):
            try:
                self.chain.open(i, posted[i], bool(market.at_maturity[i] == 1))
            except RevertedError as error:
                raise InputError(
                    f"{market.scenario.name}: loan {loans.loan_id[i]}: the contracts refuse to"
                    f" open it: {error}"
                ) from None
            loans.state[i] = OPEN_LOAN
            accounts.open_loans[loans.account[i]] += 1
            totals[tally.LOANS_OPENED] += 1
            totals[tally.TRANSFERS] += np.count_nonzero(posted[i]) + np.count_nonzero(books.lent[i])
        accounts.value[loans.account] = posted @ market.prices
        mark_exposures(books, market.prices)
        self.chain.read_books()

    def value_loans(self) -> None:
        """Post the day's prices."""
        super().value_loans()
        self.chain.begin_day()

    def settle(self) -> None:
        """Settle what is due: instructions first, then loans."""
        market, books, chain = self.model, self.model.books, self.chain
        chain.begin_day()
        loans, accounts, terms, totals = books.loans, books.accounts, books.terms, books.totals
        due = chain.instructed()
        for i, issued in zip(due, chain.settle_instructions(due), strict=True):
            if issued:
                t = accounts.agreement[loans.account[i]]
                price = market.prices[books.priority[t, 0]]
                totals[tally.LENDER_ISSUANCES] += not terms.every_call_issues[t]
                totals[tally.LENDER_ISSUED_VALUE] += issued * price
        active = accounts.state[loans.account] == ACTIVE
        mature = (loans.state == OPEN_LOAN) & (loans.maturity <= market.day) & active
        rows = np.flatnonzero(mature).tolist()
        held = {i: chain.collateral(i) for i in rows}
        for i, done in zip(rows, chain.settle(rows), strict=True):
            a = loans.account[i]
            if market.at_maturity[i] == 1:
                loans.maturity[i] = market.day + loans.term[i]
                totals[tally.LOANS_ROLLED] += 1
            elif not done:
                loans.recall_fails[i] += 1
                totals[tally.RECALL_FAILS] += 1
            else:
                loans.state[i] = SETTLED
                loans.recall_fails[i] = 0
                accounts.open_loans[a] = accounts.exposure[a] = accounts.value[a] = 0
                accounts.required[a] = accounts.upper[a] = accounts.lower[a] = 0
                totals[tally.LOANS_SETTLED] += 1
                totals[tally.TRANSFERS] += np.count_nonzero(books.lent[i])
                totals[tally.TRANSFERS] += np.count_nonzero(held[i])
        market.update_next_maturity()
        chain.read_books()

    def recall(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Have lenders recall open-ended loans, and enter the days on which they are due."""
        if chosen.any():
            loans, accounts = self.model.books.loans, self.model.books.accounts
            margined = (loans.state == OPEN_LOAN) & (accounts.state[loans.account] == ACTIVE)
            open_ended = chosen & margined & (loans.maturity == NEVER)
            self.chain.recall(np.flatnonzero(open_ended).tolist())
        super().recall(chosen)

    def call_and_return(self) -> None:
        """Have the contracts run the margin process; in small markets the deliveries, too."""
        books = self.model.books
        rows = self._margined()
        self.calls[:] = 0
        active = books.accounts.state == ACTIVE
        books.accounts.value[active] = books.accounts.unmet[active] = 0
        self._at_once = len(rows) <= self.chain.platform.batch_size("adjust")
        if self._at_once:
            self._outcomes = self.chain.adjust(rows)
        else:
            self._outcomes = self.chain.mark(rows)
        for i, outcome in self._outcomes.items():
            self._enter_call(int(books.loans.account[i]), outcome)

    def collect_deliveries(self) -> None:
        """Have the contracts collect the deliveries, and enter them."""
        books = self.model.books
        called = [i for i, outcome in self._outcomes.items() if outcome.kind == DELIVERY]
        if not self._at_once:
            self._outcomes |= self.chain.deliver(called)
        for i, outcome in self._outcomes.items():
            self._enter_delivery(int(books.loans.account[i]), outcome)
        self.chain.read_books()

    def close_out(self, exogenous: Ints) -> None:
        """Declare defaults and go on with the liquidations, at true prices."""
        desk = self.model.desk
        assert isinstance(desk, ChainDesk)
        super().close_out(exogenous)
        if desk.acted:
            # Exposures stay those of the margin run, whose prices may have been wrong.
            self.chain.read_books(values=False)
            desk.acted = False

    def _margined(self) -> Sequence[int]:
        books = self.model.books
        active = books.accounts.state[books.loans.account] == ACTIVE
        return np.flatnonzero((books.loans.state == OPEN_LOAN) & active).tolist()

    def _enter_call(self, a: int, outcome: Outcome) -> None:
        """Count a call, and the return that it led to."""
        books = self.model.books
        accounts, terms, totals = books.accounts, books.terms, books.totals
        accounts.value[a] = outcome.worth
        self.calls[a] = outcome.kind
        if not outcome.kind:
            return
        t = accounts.agreement[a]
        accounts.calls[a] += 1
        totals[tally.MARGIN_CALLS] += 1
        totals[tally.LENDER_ISSUANCES] += terms.every_call_issues[t]
        if outcome.kind == DELIVERY:
            totals[tally.DELIVERY_CALLS] += 1
            totals[tally.DELIVERY_CALL_VALUE] -= outcome.excess
        if outcome.kind != RETURN:
            return
        totals[tally.RETURN_CALLS] += 1
        totals[tally.RETURN_CALL_VALUE] += outcome.excess
        totals[tally.TRANSFERS] += outcome.transfers
        if outcome.moved:
            totals[tally.RETURNS] += 1
            totals[tally.RETURNED_VALUE] += outcome.moved
            accounts.returns[a] += 1
        if outcome.issued:
            totals[tally.LENDER_ISSUANCES] += not terms.every_call_issues[t]
            totals[tally.LENDER_ISSUED_VALUE] += outcome.issued

    def _enter_delivery(self, a: int, outcome: Outcome) -> None:
        """Count a delivery, and what it did not bring."""
        books = self.model.books
        accounts, totals = books.accounts, books.totals
        accounts.unmet[a] = outcome.unmet
        if outcome.kind != DELIVERY:
            return
        accounts.value[a] = outcome.worth
        totals[tally.TRANSFERS] += outcome.transfers
        if outcome.issued:
            totals[tally.BORROWER_ISSUANCES] += 1
            totals[tally.BORROWER_ISSUED_VALUE] += outcome.issued
        if outcome.moved:
            totals[tally.DELIVERIES] += 1
            totals[tally.DELIVERED_VALUE] += outcome.moved
            accounts.deliveries[a] += 1
        if outcome.unmet:
            totals[tally.UNMET_CALLS] += 1
            totals[tally.UNMET_VALUE] += outcome.unmet


class ChainCustodian(Custodian):
    """The custodian whose tokens are contracts."""

    def mint(self, participant: Participant, token: str, quantity: int) -> None:
        """Issue tokens to a participant against a deposit that comes in for it."""
        self._move(self.model.chain.platform.fund, participant, token, quantity)

    def burn(self, participant: Participant, token: str, quantity: int) -> None:
        """Redeem tokens of a participant."""
        self._move(self.model.chain.platform.redeem, participant, token, quantity)

    def _move(
        self,
        change: Callable[[str, int, int], None],
        participant: Participant,
        token: str,
        quantity: int,
    ) -> None:
        """Mint or burn, as the ledger in columns does: LedgerError if refused."""
        chain = self.model.chain
        column = self.model.ledger.token(token)
        try:
            if quantity:
                change(chain.addresses[participant.row], column, quantity)
        except (RevertedError, ValueError) as error:
            raise LedgerError(f"{quantity} {token} of {participant.name}: {error}") from None
        chain.read_wallets()

    def gas_today(self) -> int:
        """Gas of the day's transactions."""
        market = self.model
        return sum(spent.gas for spent in market.chain.platform.gas if spent.day == market.day)

    def redeem_idle(self) -> None:
        """Redeem the wallets of all participants whose loans have all ended."""
        wallets = self.model.ledger.wallets
        before = wallets.copy()
        super().redeem_idle()
        chain = self.model.chain
        for row, token in np.argwhere(wallets < before).tolist():
            amount = int(before[row, token] - wallets[row, token])
            chain.platform.redeem(chain.addresses[row], token, amount)
        chain.read_books()

    def check_ledger(self) -> Holdings:
        """Check that tokens are conserved, and that the lending contract holds its collateral.

        Raises:
            LedgerError: they are not, or it does not.
        """
        held = super().check_ledger()
        self.model.chain.check_holdings(held)
        return held
