# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  The close-out desk
@notice Enters defaults, sells the collateral of a defaulter's loans, and nets what is left between
        the defaulter and each counterparty. What sales bring is kept here until the claims of a
        pair are netted, and then until each party takes its share. Nothing else is recovered from
        an estate.
"""

from ethereum.ercs import IERC20

import types

interface Oracle:
    def prices() -> DynArray[uint256, types.MAX_TOKENS]: view

interface Lending:
    def operator() -> address: view
    def guardian() -> address: view
    def loan(loan_id: uint256) -> types.Loan: view
    def terms(agreement: uint256) -> types.Terms: view
    def measure(loan_id: uint256) -> types.Measure: view
    def coverage(loan_id: uint256) -> int256: view
    def collateral(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]: view
    def tokens() -> DynArray[address, types.MAX_TOKENS]: view
    def stop(loan_id: uint256): nonpayable
    def release(
        loan_id: uint256, receiver: address, amounts: DynArray[uint256, types.MAX_TOKENS]
    ): nonpayable
    def end(loan_id: uint256): nonpayable

event BuyerRegistered:
    buyer: indexed(address)
    willing: bool

event Attested:
    participant: indexed(address)
    evidence: bytes32

event Defaulted:
    participant: indexed(address)
    loan_id: uint256
    evidence: bytes32

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

event Taken:
    owner: indexed(address)
    receiver: address
    amount: uint256

event DebtPaid:
    debtor: indexed(address)
    creditor: indexed(address)
    amount: uint256

LENT: constant(uint256) = 1 << 128

ORACLE: public(immutable(address))
LENDING: public(immutable(address))
CASH: public(immutable(address))
TOKENS: immutable(uint256)

default_day: public(HashMap[address, uint256])
attested: public(HashMap[address, bytes32])
buyers: public(HashMap[address, bool])
estate: public(HashMap[uint256, address])
# Loans between a defaulter and a counterparty that are stopped and not closed out: those that the
# defaulter borrowed, and above 2**128 those that it lent.
_stopped: HashMap[address, HashMap[address, uint256]]
# The counterparty's claim against the defaulter from loans closed out so far.
_claim: HashMap[address, HashMap[address, int256]]
# Cash from sales for the loans of a pair.
_escrow: HashMap[address, HashMap[address, uint256]]
# What the collateral of a loan has brought, in cash or in kind.
proceeds: public(HashMap[uint256, uint256])
# Cash that is a party's own, and that it can take.
credit: public(HashMap[address, uint256])
# What a counterparty owes to an estate beyond what is kept here.
debt: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(oracle: address, lending: address):
    assert empty(address) not in [oracle, lending], "zero address"
    ORACLE = oracle
    LENDING = lending
    tokens: DynArray[address, types.MAX_TOKENS] = staticcall Lending(lending).tokens()
    CASH = tokens[len(tokens) - 1]
    TOKENS = len(tokens)


@external
def register_buyer(willing: bool):
    """
    @notice Say whether the caller buys collateral that is liquidated, out of its allowance of cash.
    """
    assert self.buyers[msg.sender] != willing, "already so"
    self.buyers[msg.sender] = willing
    log BuyerRegistered(buyer=msg.sender, willing=willing)


# --- defaults -----------------------------------------------------------------------------------


@external
def attest(participant: address, evidence: bytes32):
    """
    @notice The guardian attests the evidence of an insolvency, by the hash of the document.
    """
    assert msg.sender == staticcall Lending(LENDING).guardian(), "only the guardian"
    assert evidence != empty(bytes32), "no evidence"
    self.attested[participant] = evidence
    log Attested(participant=participant, evidence=evidence)


@external
def declare_insolvent(participant: address, evidence: bytes32):
    """
    @notice Enter a default that comes from outside the loans, on evidence that the guardian has
            attested.
    """
    assert self._is_house(), "only the clearing house"
    assert participant != empty(address), "zero address"
    assert evidence != empty(bytes32) and self.attested[participant] == evidence, "not attested"
    self._declare(participant, 0, evidence)


@external
def declare_unmet(loan_id: uint256):
    """
    @notice Enter the default of a borrower that has owed a delivery, or what it borrowed, for
            longer than its grace, and still owes it today.
    """
    loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
    # A loan that the lender's default has stopped is still owed for.
    assert loan.state in [types.OPEN, types.STOPPED], "not open"
    assert msg.sender == loan.lender or self._is_house(), "not a party"
    grace: uint256 = (staticcall Lending(LENDING).terms(loan.agreement)).grace
    today: uint256 = block.timestamp // types.DAY
    if not (loan.overdue_days > grace and loan.tried == today):
        assert loan.unmet_days > grace, "within the grace period"
        assert loan.marked == today, "not called today"
        assert loan.kind == types.NO_CALL, "call not collected"
        assert staticcall Lending(LENDING).coverage(loan_id) < 0, "covered"
    self._declare(loan.borrower, loan_id, empty(bytes32))


@internal
def _declare(participant: address, loan_id: uint256, evidence: bytes32):
    assert self.default_day[participant] == 0, "already in default"
    self.default_day[participant] = block.timestamp // types.DAY
    log Defaulted(participant=participant, loan_id=loan_id, evidence=evidence)


@external
def stop(loan_ids: DynArray[uint256, types.MAX_BATCH], defaulter: address):
    """
    @notice End the margining of a defaulter's loans; deliveries under way become collateral.
    """
    assert len(loan_ids) > 0, "no loans"
    assert self.default_day[defaulter] > 0, "not in default"
    for loan_id: uint256 in loan_ids:
        loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
        assert defaulter in [loan.lender, loan.borrower], "not a party"
        self._only_closer(defaulter, self._other(loan, defaulter))
        if loan.state != types.OPEN:
            # A party may have settled it in the meantime.
            log types.Skipped(loan_id=loan_id, reason=types.NOT_OPEN)
            continue
        extcall Lending(LENDING).stop(loan_id)
        self.estate[loan_id] = defaulter
        lent: bool = loan.lender == defaulter
        self._stopped[defaulter][self._other(loan, defaulter)] += LENT if lent else 1
        log Stopped(loan_id=loan_id, defaulter=defaulter)


# --- sale ---------------------------------------------------------------------------------------


@external
def liquidate(loan_id: uint256, buyer: address, amounts: DynArray[uint256, types.MAX_TOKENS]):
    """
    @notice Exchange collateral of a borrower in default for a buyer's cash at the oracle's prices.
            The lender itself may take it in kind, up to its claim.
    @dev Collateral that is cash needs no buyer.
    """
    loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
    assert loan.state == types.STOPPED, "not stopped"
    assert self.estate[loan_id] == loan.borrower, "borrower not in default"
    self._only_closer(loan.borrower, loan.lender)
    assert self.buyers[buyer] or buyer == loan.lender, "not a buyer"
    prices: DynArray[uint256, types.MAX_TOKENS] = self._prices()
    assert len(amounts) == TOKENS, "number of tokens"
    goods: DynArray[uint256, types.MAX_TOKENS] = amounts
    cash: uint256 = goods[TOKENS - 1]
    goods[TOKENS - 1] = 0
    cost: uint256 = 0
    for token: uint256 in range(len(goods), bound=types.MAX_TOKENS):
        cost += goods[token] * prices[token]
    assert cost + cash > 0, "nothing to sell"
    self.proceeds[loan_id] += cost + cash
    self._escrow[loan.borrower][loan.lender] += cash
    if cash > 0:
        only: DynArray[uint256, types.MAX_TOKENS] = []
        for token: uint256 in range(TOKENS, bound=types.MAX_TOKENS):
            only.append(cash if token == TOKENS - 1 else 0)
        extcall Lending(LENDING).release(loan_id, self, only)
    if cost > 0:
        extcall Lending(LENDING).release(loan_id, buyer, goods)
        if self.buyers[buyer]:
            self._escrow[loan.borrower][loan.lender] += cost
            assert extcall IERC20(CASH).transferFrom(buyer, self, cost), "not transferred"
        else:
            due: uint256 = (staticcall Lending(LENDING).measure(loan_id)).exposure
            assert self.proceeds[loan_id] <= due, "beyond the claim"
    log Liquidated(loan_id=loan_id, buyer=buyer, proceeds=cost + cash)


# --- netting ------------------------------------------------------------------------------------


@external
def close_out(
    loan_ids: DynArray[uint256, types.MAX_BATCH],
    defaulter: address,
    counterparty: address,
    order: DynArray[uint256, types.MAX_TOKENS],
) -> int256:
    """
    @notice End stopped loans between a defaulter and a counterparty; with the last of them their
            claims are netted. Those that the defaulter borrowed come before those that it lent.
    @param order All tokens, dearest first, in which collateral of a lender in default goes back.
    @return What the counterparty has lost, or, below zero, the surplus that the estate gets; as far
            as loans have been ended.
    """
    self._only_closer(defaulter, counterparty)
    assert len(loan_ids) > 0, "no loans"
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
    left: uint256 = self._stopped[defaulter][counterparty]
    claim: int256 = self._claim[defaulter][counterparty]
    for loan_id: uint256 in loan_ids:
        loan: types.Loan = staticcall Lending(LENDING).loan(loan_id)
        assert loan.state == types.STOPPED, "not stopped"
        assert self.estate[loan_id] == defaulter, "not of this estate"
        assert self._other(loan, defaulter) == counterparty, "not of this pair"
        borrowed: bool = loan.borrower == defaulter
        assert borrowed or left & (LENT - 1) == 0, "borrowed loans come first"
        left -= 1 if borrowed else LENT
        claim = self._close(loan, prices, order, borrowed, claim)
    self._stopped[defaulter][counterparty] = left
    self._claim[defaulter][counterparty] = claim
    if left == 0:
        self._net(defaulter, counterparty, claim)
    return claim


@internal
def _net(defaulter: address, counterparty: address, claim: int256):
    """
    @dev Share what is kept for a pair; a surplus beyond it is a debt of the counterparty.
    """
    kept: uint256 = self._escrow[defaulter][counterparty]
    surplus: uint256 = convert(max(-claim, 0), uint256)
    there: uint256 = min(surplus, kept)
    self._escrow[defaulter][counterparty] = 0
    self._claim[defaulter][counterparty] = 0
    self.credit[counterparty] += kept - there
    self.credit[defaulter] += there
    self.debt[counterparty][defaulter] += surplus - there
    log ClosedOut(defaulter=defaulter, counterparty=counterparty, claim=claim)


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
    held: DynArray[uint256, types.MAX_TOKENS] = staticcall Lending(LENDING).collateral(loan.loan_id)
    if borrowed:
        brought: int256 = convert(self.proceeds[loan.loan_id], int256)
        advanced: int256 = 0
        if loan.advanced > 0:
            first: uint256 = (staticcall Lending(LENDING).terms(loan.agreement)).priority[0]
            advanced = convert(loan.advanced * prices[first], int256)
        if brought >= due + advanced:
            # The claim is covered: what has not been sold is the estate's.
            extcall Lending(LENDING).release(loan.loan_id, loan.borrower, held)
        extcall Lending(LENDING).end(loan.loan_id)
        return claimed + due + advanced - brought
    # The borrower keeps what it borrowed, the estate keeps collateral of that value.
    kept: int256 = min(max(due - max(claimed, 0), 0), measure.worth)
    rest: int256 = measure.worth - kept
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
    stays: DynArray[uint256, types.MAX_TOKENS] = held
    for token: uint256 in order:
        stays[token] = held[token] - back[token]
    extcall Lending(LENDING).release(loan.loan_id, loan.borrower, back)
    extcall Lending(LENDING).release(loan.loan_id, loan.lender, stays)
    extcall Lending(LENDING).end(loan.loan_id)
    return claimed - (due - kept) + rest


# --- what parties take and pay ------------------------------------------------------------------


@external
def take(receiver: address):
    """
    @notice Take the cash that is the caller's.
    """
    amount: uint256 = self.credit[msg.sender]
    assert amount > 0, "nothing to take"
    self.credit[msg.sender] = 0
    assert extcall IERC20(CASH).transfer(receiver, amount), "not transferred"
    log Taken(owner=msg.sender, receiver=receiver, amount=amount)


@external
def pay_debt(creditor: address, amount: uint256):
    """
    @notice Pay what the caller owes to an estate, out of its allowance of cash.
    """
    assert 0 < amount and amount <= self.debt[msg.sender][creditor], "not owed"
    self.debt[msg.sender][creditor] -= amount
    self.credit[creditor] += amount
    assert extcall IERC20(CASH).transferFrom(msg.sender, self, amount), "not transferred"
    log DebtPaid(debtor=msg.sender, creditor=creditor, amount=amount)


@external
@view
def kept(defaulter: address, counterparty: address) -> uint256:
    """
    @notice Cash from sales for the loans of a pair that are not netted yet.
    """
    return self._escrow[defaulter][counterparty]


# --- within -------------------------------------------------------------------------------------


@internal
@view
def _is_house() -> bool:
    return msg.sender == staticcall Lending(LENDING).operator()


@internal
@view
def _only_closer(defaulter: address, counterparty: address):
    """
    @dev The clearing house, and from the day after a default on the counterparty itself.
    """
    if msg.sender == counterparty:
        declared: uint256 = self.default_day[defaulter]
        if declared > 0 and block.timestamp // types.DAY > declared:
            return
    assert self._is_house(), "only the clearing house"


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
