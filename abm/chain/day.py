"""The day by transactions: contracts on an Ethereum machine decide, the books are what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from abm.books import tally
from abm.books.before import begin_day
from abm.books.idle import idle_tokens
from abm.books.ledger import Holdings, LedgerError
from abm.books.loan_book import ACTIVE, NEVER, OPEN_LOAN, SETTLED
from abm.chain import require
from abm.chain.chain import Chain
from abm.chain.close_out import ChainWitness, TapedLedger
from abm.chain.entries import enter_call, enter_delivery, issued_to_repay
from abm.chain.machine import RevertedError
from abm.chain.records import DELIVERY, Outcome
from abm.chain.shares import deliver_parts
from abm.chain.terms import refuse_loans, refuse_unsupported
from abm.day.asking import Asking
from abm.day.before import measure_before
from abm.day.close_out import CloseOutDesk
from abm.day.close_out_result import CloseOutResult
from abm.day.day import Setting
from abm.day.settle import recall_loans
from abm.day.sharing import Sharing, each_share
from abm.rules.requirement import mark_exposures
from scenarios.errors import InputError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


if TYPE_CHECKING:
    from abm.model import CollateralMarket


class ChainDay:
    """Runs the margin process by transactions, and enters what the contracts say into the books.

    The contracts decide: what the compiled passes would have done is not computed here, but for
    close-outs, which are a draft that the contracts' say overwrites.
    """

    def __init__(self, market: Setting):
        """Deploy the contracts for a market, which has not opened its loans.

        Raises:
            InputError: no machine is installed, or the scenario has what the contracts have not.
        """
        require()
        name = market.scenario.name
        refuse_unsupported(market.scenario, len(market.tokens))
        refuse_loans(name, market.books.loans, market.at_maturity)
        asking = Asking(market)
        own = (asking.returns, asking.deliveries, asking.ranks, asking.recalls, asking.maturities)
        if any((*own, asking.exchanges)):
            raise InputError(f'{name}: behaviours: on ledger = "evm" the contracts decide')
        if market.events.enabled:
            raise InputError(
                f'{name}: ledger = "evm" keeps no event records;'
                " its transactions are in `market.phases.chain.gas_frame()`"
            )
        self.market, self.books = market, market.books
        self.chain = Chain(market)
        self.sharing = Sharing(market)
        taped = TapedLedger(market.ledger)
        self.witness = ChainWitness(self.chain, taped)
        self.chain.kept = self.witness.kept
        self.desk = CloseOutDesk(
            market.scenario.close_out,
            market.books,
            taped,
            market.standing,
            market.impact,
            market.events,
            asking.declares,
            self.witness,
        )
        self._outcomes: dict[int, Outcome] = {}
        self._at_once = True

    def open_loans(self, rows: Ints, posted: Ints) -> None:
        """Fund the participants, open all loans on day 0, and mark them.

        Raises:
            InputError: the contracts refuse to open one.
        """
        assert len(rows) == len(self.books.loans), "later beginnings are refused"
        market, books = self.market, self.books
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
        # Contracts say later which are; the flags behind the last loan are nobody's.
        books.calendar.running.view(np.uint8)[: len(loans)] = 1
        accounts.value[loans.account] = posted @ market.prices
        mark_exposures(books, market.prices)
        self.chain.read_books()

    def trade(self) -> None:
        """Nothing: balance sheets are not kept here (`abm.chain.terms`)."""

    def run_days(self, last: int) -> None:
        """Contracts go through the phases of every day."""

    def mark(self) -> None:
        """Mark what is lent to the day's prices, and post them."""
        if self.market.lent_moves:
            mark_exposures(self.books, self.market.prices)
        self.chain.begin_day()

    def measure_before(self) -> None:
        """Take down what lenders stand to lose before the contracts move anything."""
        begin_day(self.books.before)
        measure_before(self.books, self.market.prices)

    def receive_minted(self) -> None:
        """The contracts mint at once."""

    def settle(self) -> None:
        """Settle what is due: instructions first, then loans."""
        market, books, chain = self.market, self.books, self.chain
        chain.begin_day()
        loans, accounts, terms, totals = books.loans, books.accounts, books.terms, books.totals
        due = chain.instructed()
        for i, issued in zip(due, chain.settle_instructions(due), strict=True):
            if issued:
                t = accounts.agreement[loans.account[i]]
                price = market.prices[books.priority[t, 0]]
                totals[tally.LENDER_ISSUANCES] += not terms.every_call_issues[t]
                totals[tally.LENDER_ISSUED_VALUE] += issued * price
        mature = (loans.state == OPEN_LOAN) & (loans.maturity <= market.day)
        found = np.flatnonzero(mature & (accounts.state[loans.account] == ACTIVE))
        # Those that have been due for longest come first.
        rows = found[np.argsort(loans.maturity[found], kind="stable")].tolist()
        held = {i: np.array(chain.collateral(i)) for i in rows}
        ends = [i for i in rows if market.at_maturity[i] != 1]
        chain.read_wallets()
        before = market.ledger.wallets.copy()
        settled = dict(zip(rows, chain.settle(rows), strict=True))
        for value in issued_to_repay(chain, before, held, [i for i in ends if settled[i]]):
            totals[tally.BORROWER_ISSUANCES] += 1
            totals[tally.BORROWER_ISSUED_VALUE] += value
        for i, done in settled.items():
            a = loans.account[i]
            if market.at_maturity[i] == 1:
                loans.maturity[i] = market.day + loans.tenor[i]
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
        chain.read_books()

    def recall(self, chosen: Bools) -> None:
        """Have lenders recall open-ended loans, and enter the days on which they are due."""
        if chosen.any():
            loans, accounts = self.books.loans, self.books.accounts
            margined = (loans.state == OPEN_LOAN) & (accounts.state[loans.account] == ACTIVE)
            open_ended = chosen & margined & (loans.maturity == NEVER)
            self.chain.recall(np.flatnonzero(open_ended).tolist())
            recall_loans(self.books, self.market.day, self.market.scenario.recalls.notice, chosen)

    def call_and_return(self) -> None:
        """Have the contracts run the margin process; in small markets the deliveries, too."""
        accounts, loans = self.books.accounts, self.books.loans
        active = accounts.state == ACTIVE
        rows = np.flatnonzero((loans.state == OPEN_LOAN) & active[loans.account]).tolist()
        accounts.value[active] = accounts.unmet[active] = 0
        # Who may be short divides what it has between the calls and their collection.
        few = len(rows) <= self.chain.platform.batch_size("adjust")
        self._at_once = few and not self.sharing.any
        self.chain.allow_calls(rows)
        self._outcomes = self.chain.adjust(rows) if self._at_once else self.chain.mark(rows)
        for i, outcome in self._outcomes.items():
            enter_call(self.books, int(loans.account[i]), outcome)

    def deliver(self) -> None:
        """Have the contracts collect the deliveries, and enter them."""
        called = [i for i, outcome in self._outcomes.items() if outcome.kind == DELIVERY]
        if not self._at_once and called:
            short = self._deliver_shares(called) if self.sharing.any else {}
            rest = [i for i in called if i not in short]
            self._outcomes |= short | self.chain.deliver(rest)
        for i, outcome in self._outcomes.items():
            enter_delivery(self.books, int(self.books.loans.account[i]), outcome)
        self.chain.read_books()

    def _deliver_shares(self, called: Sequence[int]) -> dict[int, Outcome]:
        """Have borrowers that are short divide what they have among their calls.

        They bring it themselves; the contracts find nothing more when they collect, and enter what
        is unmet.
        """
        self.chain.read_books()
        rows = np.array(called, np.int64)
        account = self.books.loans.account[rows].astype(np.int64)
        short = self.sharing.short(account)
        if not short.any():
            return {}
        shares = self.sharing.plan(account[short], np.zeros(short.sum(), np.int64))
        row_of = dict(zip(account.tolist(), called, strict=True))
        parts = {row_of[one.account]: one for one in each_share(shares)}
        return deliver_parts(self.chain, self._outcomes, parts)

    def close_out(self, exogenous: Ints) -> CloseOutResult:
        """Declare defaults and go on with the liquidations, at true prices."""
        market = self.market
        result = self.desk.run(market.day, exogenous, market.path[market.path_day])
        if self.witness.acted:
            # Exposures stay those of the margin run, whose prices may have been wrong.
            self.chain.read_books(values=False)
            self.witness.acted = False
        return result

    @property
    def closing(self) -> dict[int, int]:
        """Accounts in close-out, and what their collateral has fetched so far."""
        return self.desk.closing

    def conclude(self) -> None:
        """Settle what ends with the window, and redeem the tokens that nobody needs any more."""
        self.settle()
        wallets = self.market.ledger.wallets[: len(self.market.population.names)]
        for row, token, amount in idle_tokens(self.books, wallets):
            self.chain.platform.redeem(self.chain.addresses[row], token, amount)
        self.chain.read_books()

    def mint(self, row: int, token: int, quantity: int) -> None:
        """Issue tokens to a participant against a deposit that comes in for it."""
        self._move(self.chain.platform.fund, row, token, quantity)

    def burn(self, row: int, token: int, quantity: int) -> None:
        """Redeem tokens of a participant."""
        self._move(self.chain.platform.redeem, row, token, quantity)

    def check(self) -> Holdings:
        """Check that tokens are conserved, and that the lending contract holds its collateral.

        Raises:
            LedgerError: they are not, or it does not.
        """
        held = self.market.ledger.check_conservation()
        self.chain.check_holdings(held)
        return held

    @property
    def substituted(self) -> tuple[int, int]:
        """Contracts move collateral on calls only."""
        return 0, 0

    def gas_today(self) -> int:
        """Gas of the day's transactions."""
        return sum(one.gas for one in self.chain.platform.gas if one.day == self.market.day)

    def _move(
        self, change: Callable[[str, int, int], None], row: int, token: int, quantity: int
    ) -> None:
        """Mint or burn, as the ledger in columns does.

        Raises:
            LedgerError: the contracts refuse.
        """
        try:
            if quantity:
                change(self.chain.addresses[row], token, quantity)
        except (RevertedError, ValueError) as error:
            name = self.market.population.names[row]
            token_name = self.market.tokens[token]
            raise LedgerError(f"{quantity} {token_name} of {name}: {error}") from None
        self.chain.read_wallets()


def chain_of(market: CollateralMarket) -> Chain:
    """The contracts of a market whose ledger is on a machine."""
    assert isinstance(market.phases, ChainDay)
    return market.phases.chain
