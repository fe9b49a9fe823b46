"""Asks participants who decide for themselves, alone or in columns (`abm.agents.decisions`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from abm.agents.calls import MOST_TOKENS, DecisionError
from abm.agents.decisions import IN_COLUMNS, Deciders, answers, deciders, refuse
from abm.agents.participant import Participant
from abm.agents.sheet_view import SheetView
from abm.agents.views import DeliveryCalls, LoanView, ReturnCalls
from abm.books import tally
from abm.books.answers import BY_DEFAULT, NOTHING, Answers, nobody
from abm.books.books import Books
from abm.books.compiled import compiled
from abm.books.loan_book import ACTIVE, AT_MATURITY, NEVER, OPEN_LOAN
from abm.day.chosen import as_array, by_token, signed_tokens
from abm.day.day import Setting
from abm.rules.shortage import can_be_short

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MILLION = 1_000_000


class Asking:
    """Who decides what for itself in a market, and what they answer."""

    def __init__(self, market: Setting):
        """Find out whose class answers which question.

        Raises:
            InputError: a class answers one both alone and in columns.
        """
        self._market = market
        kinds = market.kinds
        self.returns = deciders(kinds, "choose_return")
        self.deliveries = deciders(kinds, "meet_call", "choose_delivery")
        self.ranks = deciders(kinds, "rank_calls")
        self.reuse = deciders(kinds, "choose_reuse")
        self.recalls = deciders(kinds, "choose_recalls")
        self.exchanges = deciders(kinds, "choose_substitutions")
        self.maturities = deciders(kinds, "choose_at_maturity")
        whose = (self.returns, self.deliveries, self.ranks, self.reuse, self.recalls)
        self.asks = any(
            (*whose, self.exchanges, self.maturities)
        )  # beside those about balance sheets
        self.withdrawals = deciders(kinds, "choose_withdrawals")
        self.trades = deciders(kinds, "choose_trades")
        if market.sheet is None:
            refuse(kinds, ("choose_withdrawals", "choose_trades"), "keeps no balance sheets")
        self.nobody = nobody(len(market.tokens))
        self.scarce = can_be_short(market.books)

    @cached_property
    def _eligible(self) -> Bools:
        return self._market.books.all_eligible()

    def about_returns(self) -> Answers:
        """What lenders return who decide in columns, before any return of the day is made."""
        if not self.returns:
            return self.nobody
        accounts = self._market.books.accounts
        live = (accounts.state == ACTIVE) & (accounts.open_loans > 0)
        decided, chosen = self._undecided(), list[Ints]()
        for kind, members in self.returns.together.items():
            calls = ReturnCalls(self._market, np.flatnonzero(live & members[accounts.lender]))
            if not len(calls):
                continue
            tokens = self._tokens(kind, kind.choose_return_in_columns(calls), calls.account)
            self._refuse_beyond(kind, tokens, calls)
            self._enter(decided, chosen, calls.account, tokens)
            blocked = calls.blocked & ~tokens.any(axis=1)
            self._market.books.totals[tally.BLOCKED_RETURNS] += blocked.sum()
        return self._answers(self.returns, decided, chosen)

    def about_deliveries(self, called: Ints, rank: Ints) -> Answers:
        """What borrowers deliver who decide in columns.

        Args:
            called: accounts that have been called, in the order of service, shape (calls,).
            rank: which of a borrower's calls share, shape (calls,).
        """
        if not self.deliveries:
            return self.nobody
        borrower = self._market.books.accounts.borrower[called]
        decided, chosen = self._undecided(), list[Ints]()
        for kind, members in self.deliveries.together.items():
            mine = members[borrower]
            calls = DeliveryCalls(self._market, called[mine], rank[mine], self.scarce)
            if len(calls) and answers(kind, "meet_call" + IN_COLUMNS):
                met = self._mask(kind, kind.meet_call_in_columns(calls), len(calls))
                if not met.all():
                    decided[calls.account[~met]] = NOTHING
                    calls = DeliveryCalls(
                        self._market, calls.account[met], calls.rank[met], self.scarce
                    )
            if len(calls) and answers(kind, "choose_delivery" + IN_COLUMNS):
                tokens = self._tokens(kind, kind.choose_delivery_in_columns(calls), calls.account)
                own = _otherwise(calls, tokens)
                self._enter(decided, chosen, calls.account[own], tokens[own])
        return self._answers(self.deliveries, decided, chosen)

    def order(self, called: Ints) -> tuple[Ints, Ints]:
        """Called accounts of borrowers that rank their calls, in the order of service.

        Args:
            called: all accounts that have been called, shape (calls,).

        Returns:
            The accounts, and a number for each that is the same for the same rank.
        """
        if not self.ranks:
            return called[:0], called[:0]
        borrower = self._market.books.accounts.borrower[called]
        ranks = np.full(len(called), np.nan)
        for kind, who, rows in self.groups(self.ranks, borrower, "rank_calls"):
            calls = DeliveryCalls(self._market, called[rows], scarce=self.scarce)
            ranks[rows] = self._numbers(kind, who(calls), len(calls))
        ranked = np.flatnonzero(~np.isnan(ranks))
        # Stable: calls of the same rank stay in the order of accounts.
        order = np.lexsort((called[ranked], ranks[ranked], borrower[ranked]))
        _, number = np.unique(ranks[ranked], return_inverse=True)
        return called[ranked[order]], number[order]

    def to_recall(self) -> Bools:
        """Open-ended loans that lenders recall who decide for themselves, shape (loans,)."""
        loans, accounts = self._market.books.loans, self._market.books.accounts
        chosen = np.zeros(len(loans), np.bool_)
        live = (loans.state == OPEN_LOAN) & (accounts.state[loans.account] == ACTIVE)
        rows = np.flatnonzero(live & (loans.maturity == NEVER))
        lender = accounts.lender[loans.account[rows]]
        for kind, who, mine in self.groups(self.recalls, lender, "choose_recalls"):
            view = LoanView(self._market, rows[mine], self._market.at_maturity)
            chosen[view.rows] = self._mask(kind, who(view), len(view))
        return chosen

    def withdrawn(self, rows: Ints, standard: Bools) -> Bools:
        """Loans that lenders fund no longer, shape (rows,).

        Args:
            rows: of the loans.
            standard: what the scenario says of each.
        """
        if not (self.withdrawals and len(rows)):
            return standard
        books, result = self._market.books, standard.copy()
        lender = books.accounts.lender[books.loans.account[rows]]
        for kind, who, mine in self.groups(self.withdrawals, lender, "choose_withdrawals"):
            view = LoanView(self._market, rows[mine], self._market.at_maturity, standard[mine])
            result[mine] = self._mask(kind, who(view), len(view))
        return result

    def orders(self, standard: Ints) -> Ints:
        """What participants sell and buy outside the ledger, shape (participants, tokens).

        Args:
            standard: what the scenario has them trade.
        """
        if not self.trades:
            return standard
        result, tokens = standard.copy(), self._market.tokens
        active = np.flatnonzero(self._market.standing.default_day < 0)
        for kind, who, mine in self.groups(self.trades, active, "choose_trades"):
            view = SheetView(self._market, active[mine], standard[active[mine]])
            given = who(view)
            if not isinstance(who.__self__, type):
                given = [by_token(kind, given, tokens)]
            result[view.rows] = signed_tokens(kind, given, (len(view), len(tokens)))
        return result

    def at_maturity(self, due: Ints, standard: Ints) -> Ints:
        """What becomes of each loan that is due, shape (loans,): position in `AT_MATURITY`."""
        if not (self.maturities and len(due)):
            return standard
        result = standard.copy()
        books = self._market.books
        lender = books.accounts.lender[books.loans.account[due]]
        for kind, who, mine in self.groups(self.maturities, lender, "choose_at_maturity"):
            view = LoanView(self._market, due[mine], standard)
            result[view.rows] = self._codes(kind, who(view), len(view))
        return result

    def limit_reuse(self) -> None:
        """Leave as re-usable today what participants are willing to post further."""
        books = self._market.books
        everybody = np.flatnonzero(books.reusable.any(axis=1))
        share = np.full(len(books.reusable), MILLION)
        for kind, who, asked in self.groups(self.reuse, everybody, "choose_reuse"):
            rows = everybody[asked]
            given = who(rows) if isinstance(who.__self__, type) else who()
            shares = self._numbers(kind, given, len(rows))
            if ((shares < 0) | (shares > 1)).any():
                raise DecisionError(f"{kind.__name__}: expected shares from 0 to 1 for re-use")
            share[rows] = np.rint(shares * MILLION)
        some = np.flatnonzero((share[books.accounts.lender] < MILLION) & books.free.any(axis=1))
        lender = books.accounts.lender[some]
        free, reused = books.free[some], books.reused[some]
        # In integers and in two parts, as counts times a million could overflow.
        whole, rest = np.divmod(free + reused, MILLION)
        willing = whole * share[lender, None] + rest * share[lender, None] // MILLION
        kept = np.clip(willing - reused, 0, free)
        books.free[some] = kept
        np.subtract.at(books.reusable, lender, free - kept)

    def declares(self, row: int, days: int) -> bool:
        """Whether the clearing house declares a participant in default that has owed for days."""
        name, house = self._market.population.names[row], self._market.clearing_house
        answer = house.declare_default(name, days)
        if not isinstance(answer, bool | np.bool_):
            raise DecisionError(
                f"{type(house).__name__} answered {answer!r} to the question whether {name} is in"
                " default; expected True or False"
            )
        return bool(answer)

    def groups(
        self, who: Deciders, asked: npt.NDArray[Any], name: str
    ) -> Iterator[tuple[type[Participant], Any, Ints]]:
        """Classes or agents with something to decide on: what to ask, and of which rows."""
        for kind, members in who.together.items():
            rows = np.flatnonzero(members[asked])
            if len(rows):
                yield kind, getattr(kind, name + IN_COLUMNS), rows
        if not who.alone.any():
            return
        for row in np.unique(asked[who.alone[asked]]).tolist():
            agent = self._market.participants[self._market.population.names[row]]
            yield type(agent), getattr(agent, name), np.flatnonzero(asked == row)

    def _undecided(self) -> Ints:
        return np.full(len(self._market.books.accounts), BY_DEFAULT, np.int64)

    def _answers(self, who: Deciders, decided: Ints, chosen: list[Ints]) -> Answers:
        alone = who.alone if who.alone.any() else who.alone[:0]
        if not who.together:
            return Answers(alone, decided[:0], self.nobody.chosen)
        given = chosen[0] if len(chosen) == 1 else np.concatenate([self.nobody.chosen, *chosen])
        return Answers(alone, decided, given)

    def _enter(self, decided: Ints, chosen: list[Ints], accounts: Ints, tokens: Ints) -> None:
        decided[accounts] = sum(map(len, chosen)) + np.arange(len(accounts))
        chosen.append(tokens)

    def _tokens(self, kind: type, given: Any, accounts: Ints) -> Ints:
        """Counts of tokens that a class has chosen, shape (rows, tokens).

        Raises:
            DecisionError: they are no whole numbers of eligible tokens for each row.
        """
        market, chosen = self._market, as_array(kind, given)
        shape = (len(accounts), len(market.tokens))
        if chosen.shape != shape or not np.issubdtype(chosen.dtype, np.integer):
            raise DecisionError(
                f"{kind.__name__}: expected whole numbers of tokens of shape {shape},"
                f" got {chosen.dtype} of shape {chosen.shape}"
            )
        counts = np.ascontiguousarray(chosen, np.int64)
        wrong = first_wrong(market.books, accounts, self._eligible, counts)
        if wrong >= 0:
            row, token = divmod(int(wrong), len(market.tokens))
            raise DecisionError(
                f"{kind.__name__} chose {chosen[row, token]} {market.tokens[token]} for loan"
                f" {market.first_loan[accounts[row]]}; expected a number from 0 of an eligible"
                " token"
            )
        return counts

    def _refuse_beyond(self, kind: type, chosen: Ints, calls: ReturnCalls) -> None:
        """Refuse returns of what lenders neither hold nor may issue."""
        books = self._market.books
        agreement = books.accounts.agreement[calls.account]
        allowed = calls.held.copy()
        issues = np.flatnonzero(books.terms.lender_issuance[agreement])
        allowed[issues, books.priority[agreement[issues], 0]] = np.iinfo(np.int64).max
        if (chosen > allowed).any():
            row, token = (int(i) for i in np.argwhere(chosen > allowed)[0])
            raise DecisionError(
                f"{kind.__name__} returns {chosen[row, token]} {self._market.tokens[token]} for"
                f" loan {self._market.first_loan[calls.account[row]]}, of which the lender holds"
                f" {calls.held[row, token]}"
            )

    def _mask(self, kind: type, given: Any, rows: int) -> Bools:
        mask = as_array(kind, given)
        if mask.shape != (rows,) or mask.dtype != np.bool_:
            raise DecisionError(
                f"{kind.__name__}: expected True or False for each of {rows} rows,"
                f" got {mask.dtype} of shape {mask.shape}"
            )
        return mask

    def _numbers(self, kind: type, given: Any, rows: int) -> Floats:
        numbers = as_array(kind, given)
        if (
            numbers.shape not in ((rows,), ())
            or numbers.dtype.kind not in "iuf"
            or np.isnan(numbers).any()
        ):
            raise DecisionError(
                f"{kind.__name__}: expected a number for each of {rows} rows,"
                f" got {numbers.dtype} of shape {numbers.shape}"
                + (" with nan" if numbers.dtype.kind == "f" and np.isnan(numbers).any() else "")
            )
        return np.broadcast_to(numbers.astype(np.float64), (rows,))

    def _codes(self, kind: type, given: Any, rows: int) -> Ints:
        """Positions in `AT_MATURITY` of the words that a class has chosen, shape (rows,)."""
        words = as_array(kind, given)
        expected = f"expected {', '.join(AT_MATURITY)} for each of {rows} loans that are due"
        if words.shape != (rows,):
            raise DecisionError(f"{kind.__name__}: {expected}, got an array of shape {words.shape}")
        codes = np.full(rows, -1)
        for code, word in enumerate(AT_MATURITY):
            codes[words == word] = code
        if (codes < 0).any():
            wrong = words[codes < 0][0]
            raise DecisionError(f"{kind.__name__} chose {wrong!s}; {expected}")
        return codes


@compiled
def first_wrong(books: Books, accounts: Ints, eligible: Bools, chosen: Ints) -> int:
    """Where a choice has a number of tokens that cannot be, counted row by row; -1 if nowhere.

    Args:
        books: the market.
        accounts: of each row of the choice, shape (rows,).
        eligible: tokens that each agreement may move, shape (agreements, tokens).
        chosen: counts, shape (rows, tokens).
    """
    tokens = chosen.shape[1]
    for i in range(len(accounts)):
        agreement = books.accounts[accounts[i]].agreement
        for token in range(tokens):
            count = chosen[i, token]
            if count and (not 0 < count < MOST_TOKENS or not eligible[agreement, token]):
                return i * tokens + token
    return -1


def _otherwise(calls: DeliveryCalls, chosen: Ints) -> Bools:
    """Calls on borrowers that have not chosen for all of theirs what a standard one delivers.

    Where one is short, the sources of what is delivered are shared, too, which a choice cannot say.
    """
    if not calls.short.any():
        return np.ones(len(calls), np.bool_)
    differs = np.zeros(int(calls.borrower.max()) + 1, np.bool_)
    differs[calls.borrower] = ~calls.short
    differs[calls.borrower[(chosen != calls.default).any(axis=1)]] = True
    return differs[calls.borrower]
