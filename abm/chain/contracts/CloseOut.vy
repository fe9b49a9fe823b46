# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  The close-out desk
@notice Enters defaults, sells the collateral of a defaulter's loans, and nets what is left between
        the defaulter and each counterparty. Nothing else is recovered from an estate.
"""

from ethereum.ercs import IERC20

import types

interface Oracle:
    def prices() -> DynArray[uint256, types.MAX_TOKENS]: view

interface Lending:
    def loan(loan_id: uint256) -> types.Loan: view
    def terms(agreement: uint256) -> types.Terms: view
    def measure(loan_id: uint256) -> types.Measure: view
    def collateral(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]: view
    def tokens() -> DynArray[address, types.MAX_TOKENS]: view
    def stop(loan_id: uint256): nonpayable
    def release(loan_id: uint256, token: uint256, receiver: address, amount: uint256): nonpayable
    def end(loan_id: uint256): nonpayable

event BuyerRegistered:
    buyer: indexed(address)
    willing: bool

event Defaulted:
    participant: indexed(address)
    loan_id: uint256

event Stopped:
    loan_id: indexed(uint256)
    defaulter: indexed(address)

event Liquidated:
    loan_id: indexed(uint256)
    buyer: indexed(address)
    proceeds: uint256

event ClosedOut:
    defaulter: indexed(address)
    counterparty: indexed(address)
    claim: int256

CLEARING_HOUSE: public(immutable(address))
ORACLE: public(immutable(address))
LENDING: public(immutable(address))

default_day: public(HashMap[address, uint256])
buyers: public(HashMap[address, bool])
estate: public(HashMap[uint256, address])
# Loans of a defaulter that are stopped and not closed out, by counterparty.
stopped: public(HashMap[address, HashMap[address, uint256]])
proceeds: public(HashMap[uint256, uint256])


@deploy
def __init__(clearing_house: address, oracle: address, lending: address):
    assert empty(address) not in [clearing_house, oracle, lending], "zero address"
    CLEARING_HOUSE = clearing_house
    ORACLE = oracle
    LENDING = lending


@external
def register_buyer(willing: bool):
    """
    @notice Say whether the caller buys collateral that is liquidated, out of its allowance of cash.
    """
    assert self.buyers[msg.sender] != willing, "already so"
    self.buyers[msg.sender] = willing
    log BuyerRegistered(buyer=msg.sender, willing=willing)


@external
def declare_insolvent(participant: address):
    """
    @notice Enter a default that comes from outside the loans.
    """
    self._only_clearing_house()
    assert participant != empty(address), "zero address"
    self._declare(participant, 0)


@external
def declare_unmet(loan_id: uint256):
    """
    @notice Enter the default of a borrower that has owed a delivery for longer than its grace.
    """
    loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
    # A loan that the lender's default has stopped is still owed for.
    assert loan.state in [types.OPEN, types.STOPPED], "not open"
    assert msg.sender in [CLEARING_HOUSE, loan.lender], "not a party"
    grace: uint256 = (staticcall Lending(LENDING).terms(loan.agreement)).grace
    assert max(loan.unmet_days, loan.overdue_days) > grace, "within the grace period"
    self._declare(loan.borrower, loan_id)


@internal
def _declare(participant: address, loan_id: uint256):
    assert self.default_day[participant] == 0, "already in default"
    self.default_day[participant] = block.timestamp // types.DAY
    log Defaulted(participant=participant, loan_id=loan_id)


@external
def stop(loan_ids: DynArray[uint256, types.MAX_BATCH], defaulter: address):
    """
    @notice End the margining of a defaulter's loans; deliveries under way go back.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    assert self.default_day[defaulter] > 0, "not in default"
    for loan_id: uint256 in loan_ids:
        loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
        assert defaulter in [loan.lender, loan.borrower], "not a party"
        extcall Lending(LENDING).stop(loan_id)
        self.estate[loan_id] = defaulter
        self.stopped[defaulter][self._other(loan, defaulter)] += 1
        log Stopped(loan_id=loan_id, defaulter=defaulter)


@external
def liquidate(loan_id: uint256, buyer: address, amounts: DynArray[uint256, types.MAX_TOKENS]):
    """
    @notice Exchange collateral of a borrower in default for a buyer's cash at the oracle's prices.
    @dev Collateral that is cash goes to the lender as it is.
    """
    self._only_clearing_house()
    loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
    assert loan.state == types.STOPPED, "not stopped"
    assert self.estate[loan_id] == loan.borrower, "borrower not in default"
    assert self.buyers[buyer], "not a buyer"
    prices: DynArray[uint256, types.MAX_TOKENS] = self._prices()
    assert len(amounts) == len(prices), "number of tokens"
    cash: uint256 = len(prices) - 1
    cost: uint256 = 0
    sold: uint256 = 0
    for token: uint256 in range(len(amounts), bound=types.MAX_TOKENS):
        if amounts[token] > 0:
            receiver: address = loan.lender if token == cash else buyer
            extcall Lending(LENDING).release(loan_id, token, receiver, amounts[token])
            worth: uint256 = amounts[token] * prices[token]
            sold += worth
            if token != cash:
                cost += worth
    assert sold > 0, "nothing to sell"
    self.proceeds[loan_id] += sold
    if cost > 0:
        self._pay(buyer, loan.lender, cost)
    log Liquidated(loan_id=loan_id, buyer=buyer, proceeds=sold)


@external
def close_out(
    loan_ids: DynArray[uint256, types.MAX_BATCH],
    defaulter: address,
    counterparty: address,
    order: DynArray[uint256, types.MAX_TOKENS],
) -> int256:
    """
    @notice End all stopped loans between a defaulter and a counterparty, and net the claims.
    @param loan_ids All of them: those that the defaulter borrowed and those that it lent.
    @param order All tokens, dearest first, in which collateral of a lender in default goes back.
    @return What the counterparty has lost, or, below zero, the surplus that it paid to the estate.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    assert len(loan_ids) == self.stopped[defaulter][counterparty], "not all loans of the pair"
    prices: DynArray[uint256, types.MAX_TOKENS] = self._prices()
    assert len(order) == len(prices), "number of tokens"
    last: uint256 = order[0]
    assert last < len(prices), "unknown token"
    for j: uint256 in range(1, len(order), bound=types.MAX_TOKENS):
        token: uint256 = order[j]
        assert token < len(prices), "unknown token"
        # Strictly sorted, it names every token once.
        dearer: bool = prices[last] > prices[token]
        assert dearer or (prices[last] == prices[token] and last < token), "order of tokens"
        last = token
    self.stopped[defaulter][counterparty] = 0
    claim: int256 = 0
    for borrowed: bool in [True, False]:
        for loan_id: uint256 in loan_ids:
            loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
            if (loan.borrower == defaulter) == borrowed:
                assert loan.state == types.STOPPED, "not stopped"
                assert self.estate[loan_id] == defaulter, "not of this estate"
                assert self._other(loan, defaulter) == counterparty, "not of this pair"
                claim = self._close(loan, prices, order, borrowed, claim)
    if claim < 0:
        self._pay(counterparty, defaulter, convert(-claim, uint256))
    log ClosedOut(defaulter=defaulter, counterparty=counterparty, claim=claim)
    return claim


@internal
def _close(
    loan: types.Loan,
    prices: DynArray[uint256, types.MAX_TOKENS],
    order: DynArray[uint256, types.MAX_TOKENS],
    borrowed: bool,
    claimed: int256,
) -> int256:
    """
    @dev End one loan; gives the counterparty's claim with this loan netted in.
    """
    measure: types.Measure = staticcall Lending(LENDING).measure(loan.loan_id)
    due: int256 = convert(measure.exposure, int256)
    if borrowed:
        extcall Lending(LENDING).end(loan.loan_id)
        # With nothing held, what is left of the worth is what the lender had issued, below zero.
        return claimed + due - convert(self.proceeds[loan.loan_id], int256) - measure.worth
    # The borrower keeps what it borrowed, the estate keeps collateral of that value.
    kept: int256 = min(max(due - max(claimed, 0), 0), measure.worth)
    rest: int256 = measure.worth - kept
    held: DynArray[uint256, types.MAX_TOKENS] = staticcall Lending(LENDING).collateral(loan.loan_id)
    back: DynArray[uint256, types.MAX_TOKENS] = held
    cheapest: uint256 = types.MAX_TOKENS
    for token: uint256 in order:
        back[token] = min(convert(max(rest, 0), uint256) // prices[token], held[token])
        rest -= convert(back[token] * prices[token], int256)
    for token: uint256 in order:
        if back[token] < held[token]:
            if cheapest == types.MAX_TOKENS or prices[token] < prices[cheapest]:
                cheapest = token
    if rest > 0 and cheapest < types.MAX_TOKENS:
        # One token more, which the borrower pays for in cash as far as it is too much.
        back[cheapest] += 1
        rest -= convert(prices[cheapest], int256)
    for token: uint256 in range(len(held), bound=types.MAX_TOKENS):
        if back[token] > 0:
            extcall Lending(LENDING).release(loan.loan_id, token, loan.borrower, back[token])
        if held[token] > back[token]:
            amount: uint256 = held[token] - back[token]
            extcall Lending(LENDING).release(loan.loan_id, token, loan.lender, amount)
    extcall Lending(LENDING).end(loan.loan_id)
    return claimed - (due - kept) + rest


@internal
@view
def _only_clearing_house():
    assert msg.sender == CLEARING_HOUSE, "only the clearing house"


@internal
@view
def _prices() -> DynArray[uint256, types.MAX_TOKENS]:
    prices: DynArray[uint256, types.MAX_TOKENS] = staticcall Oracle(ORACLE).prices()
    prices.append(1)
    return prices


@internal
@view
def _other(loan: types.Loan, party: address) -> address:
    return loan.lender if loan.borrower == party else loan.borrower


@internal
def _pay(payer: address, receiver: address, amount: uint256):
    tokens: DynArray[address, types.MAX_TOKENS] = staticcall Lending(LENDING).tokens()
    cash: address = tokens[len(tokens) - 1]
    assert extcall IERC20(cash).transferFrom(payer, receiver, amount), "not transferred"
