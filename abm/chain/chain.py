"""The platform of one market: which loan and participant is which, and books read from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from abm.books.ledger import UNLIMITED, Holdings, LedgerError
from abm.books.loan_book import NEVER, OPEN_LOAN
from abm.chain import records as evm
from abm.chain.allowances import (
    CALLS_COVERED,
    Allowances,
    call_needs,
    opening_needs,
    repayment_needs,
)
from abm.chain.machine import DAY
from abm.chain.platform import Platform
from abm.chain.records import Outcome
from abm.chain.terms import contract_terms

if TYPE_CHECKING:
    from abm.day.day import Setting

Ints = npt.NDArray[np.int64]

_OPEN = evm.LOAN_STATES.index("open")


class Chain:
    """The contracts of a market, addressed by the rows of its books."""

    kept: Callable[[], dict[int, int]]
    """Cash that the contracts keep for lenders until their claims are netted, by row."""

    def __init__(self, market: Setting):
        """Deploy the contracts, and have all participants join and agree on their terms."""
        self.market = market
        faults = market.scenario.oracle
        quiet = sum(outage.days for outage in faults.outages)
        self.platform = Platform(market.tokens, max_age=DAY * (1 + faults.delay + quiet))
        self.addresses = [self.platform.join(name) for name in market.population.names]
        self.participants = len(self.addresses)
        self.allowances = Allowances(self.platform, self.addresses, len(market.tokens))
        self.addresses.append(self.platform.join_as_buyer("outside market"))
        scenario, books = market.scenario, market.books
        agreements = (scenario.agreement, *scenario.agreements.values())
        self.agreements = [
            self.platform.register_agreement(
                contract_terms(agreement, books.eligible(t), market.unit, scenario.recalls.notice)
            )
            for t, agreement in enumerate(agreements)
        ]
        self.posted = np.zeros(len(market.tokens), np.int64)
        """Prices on the machine."""
        self.ids: dict[int, int] = {}
        """Number of the loan in the contract, by row of the loan book."""
        self._posted_on = -1

    def gas_frame(self) -> pd.DataFrame:
        """Gas of every transaction so far: day, action, loans that it handled, gas."""
        return pd.DataFrame(self.platform.gas, columns=list(evm.Gas._fields))

    # The day

    def begin_day(self) -> None:
        """Set the clock to the market's day and post its prices, once."""
        if self._posted_on < self.market.day:
            self._posted_on = self.market.day
            self.platform.go_to(self.market.day)
            # In an outage of the oracle nobody posts, and the last prices stand.
            if not (self._outage() and (self.posted == self.market.prices).all()):
                self.post(self.market.prices)

    def _outage(self) -> bool:
        """Whether the oracle publishes nothing on this day."""
        day = self.market.day
        return any(
            outage.day <= day < outage.day + outage.days and not outage.tokens
            for outage in self.market.scenario.oracle.outages
        )

    def post(self, prices: Ints) -> None:
        """Post prices; those of day after day, or a correction."""
        self.posted = prices.copy()
        late = min(self.market.scenario.oracle.delay, self.market.day)
        self.platform.post(prices[:-1].tolist(), late * DAY)

    def fund(self, posted: Ints) -> None:
        """Give participants the tokens that they begin with, and deposits for later ones.

        Args:
            posted: what secures each loan at the start, shape (loans, tokens).
        """
        books, ledger = self.market.books, self.market.ledger
        needed = ledger.wallets.copy()
        loans, accounts = books.loans, books.accounts
        np.add.at(needed, accounts.lender[loans.account], books.lent)
        np.add.at(needed, accounts.borrower[loans.account], posted)
        for row, token in np.argwhere(needed).tolist():
            self.platform.fund(self.addresses[row], token, int(needed[row, token]))
        capacity = ledger.arrays.capacity
        for row, token in np.argwhere(capacity).tolist():
            amount = min(int(capacity[row, token]), evm.LARGE_DEPOSIT)
            self.platform.deposit(self.addresses[row], token, amount)
        self.allowances.cover(opening_needs(books, posted, self.participants))

    def open(self, i: int, posted: Ints, rolls: bool) -> None:
        """Open the loan in a row of the loan book."""
        books = self.market.books
        loans, a = books.loans, books.loans.account[i]
        maturity = int(loans.maturity[i])
        self.ids[i] = self.platform.open(
            self.addresses[books.accounts.lender[a]],
            self.addresses[books.accounts.borrower[a]],
            self.agreements[books.accounts.agreement[a]],
            maturity if maturity < NEVER else 0,
            int(loans.tenor[i]) if rolls else 0,
            books.lent[i].tolist(),
            posted.tolist(),
        )

    def instructed(self) -> list[int]:
        """Rows of loans with an instruction that has not settled."""
        if not len(self.market.books.returning):
            return []
        return [
            i
            for i, loan in self.ids.items()
            if self.market.books.loans.state[i] == OPEN_LOAN and self.platform.loan(loan).instructed
        ]

    def settle_instructions(self, rows: Sequence[int]) -> list[int]:
        """Settle them; gives the tokens that each loan's lender issued."""
        return self.platform.settle_instructions([self.ids[i] for i in rows])

    def settle(self, rows: Sequence[int]) -> list[bool]:
        """Settle or roll loans that are due; says which have."""
        ends = [i for i in rows if self.market.at_maturity[i] != 1]
        advanced = {i: self.platform.loan(self.ids[i]).advanced for i in ends}
        self.allowances.cover(repayment_needs(self.market.books, advanced, self.participants))
        return self.platform.settle([self.ids[i] for i in rows])

    def recall(self, rows: Sequence[int]) -> None:
        """Have the lenders of open-ended loans recall them."""
        for i in rows:
            self.platform.end_early(self.ids[i], self.platform.loan(self.ids[i]).lender)

    def allow_calls(self, rows: Sequence[int]) -> None:
        """Have borrowers allow what the margin run over loans may call from their wallets."""
        market = self.market
        wallets = market.ledger.wallets[: self.participants]
        needed = call_needs(market.books, wallets, market.prices, rows)
        self.allowances.cover(needed, CALLS_COVERED)

    def adjust(self, rows: Sequence[int]) -> dict[int, Outcome]:
        """The margin run over loans by row."""
        return self._by_row(rows, self.platform.adjust)

    def mark(self, rows: Sequence[int]) -> dict[int, Outcome]:
        """Calls and returns over loans by row."""
        return self._by_row(rows, self.platform.mark)

    def deliver(self, rows: Sequence[int]) -> dict[int, Outcome]:
        """Deliveries over loans by row."""
        return self._by_row(rows, self.platform.deliver)

    def deliver_part(self, i: int, held: Ints, issued: Ints) -> None:
        """Have the borrower of a loan deliver so many tokens of its wallet, and newly issued."""
        accounts = self.market.books.accounts
        row = accounts.borrower[self.market.books.loans.account[i]]
        needed = np.zeros((self.participants, len(held)), np.int64)
        needed[row] = held
        self.allowances.cover(needed)
        arguments = (self.ids[i], held.tolist(), issued.tolist(), self.addresses[row])
        self.platform.deliver_part(*arguments)

    def _by_row(self, rows: Sequence[int], run: _Run) -> dict[int, Outcome]:
        outcomes = run([self.ids[i] for i in rows])
        return dict(zip(rows, outcomes, strict=True))

    # What the contracts tell

    def collateral(self, i: int) -> list[int]:
        """Tokens held for the loan in a row."""
        return self.platform.collateral(self.ids[i])

    def read_books(self, values: bool = True) -> None:
        """Make the market's books what the contracts say; `values` of loans at today's prices."""
        self.read_wallets()
        books, arrays = self.market.books, self.market.ledger.arrays
        accounts = books.accounts
        books.returning[:] = 0
        self.market.ledger.in_transit[:] = 0
        # The ring of days that the columns keep has one slot, for contracts lag a day at most.
        for i, loan_id in self.ids.items():
            a = books.loans.account[i]
            loan = self.platform.loan(loan_id)
            arrays.balance[arrays.collateral_row + a] = self.platform.collateral(loan_id)
            accounts.advanced[a] = loan.advanced
            accounts.unmet_days[a] = loan.unmet_days
            if loan.instructed:
                pending = self.platform.instructed(loan_id)
                if loan.instructed == evm.RETURN:
                    books.returning[0, a] = pending
                else:
                    arrays.balance[arrays.transit_row + a] = pending
            if values and loan.state == _OPEN:
                measure = self.platform.measure(loan_id)
                accounts.exposure[a] = measure.exposure
                accounts.required[a] = measure.required
                accounts.lower[a] = measure.lower
                accounts.upper[a] = measure.upper

    def read_wallets(self) -> None:
        """Make wallets, deposits and supply what the contracts say."""
        arrays = self.market.ledger.arrays
        wallets = self.market.ledger.wallets
        wallets[:] = self.platform.balances(self.addresses)
        for row, cash in self.kept().items():
            wallets[row, -1] += cash
        arrays.minted[:], arrays.burned[:] = self.platform.supply()
        for row, token in np.argwhere(arrays.capacity < UNLIMITED).tolist():
            arrays.capacity[row, token] = self.platform.deposited(self.addresses[row], token)

    def check_holdings(self, holdings: Holdings) -> None:
        """The lending contract holds what it owes to the loans, neither more nor less.

        Raises:
            LedgerError: it does not.
        """
        owed = holdings.collateral + holdings.in_transit
        held = np.array(self.platform.balances([self.platform.lending.address])[0])
        for token in np.flatnonzero(held != owed):
            raise LedgerError(
                f"{self.market.tokens[token]}: the lending contract holds {held[token]} and owes"
                f" {owed[token]} to its loans"
            )


if TYPE_CHECKING:
    from collections.abc import Callable

    _Run = Callable[[list[int]], list[Outcome]]
