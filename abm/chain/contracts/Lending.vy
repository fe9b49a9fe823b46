# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title  Securities lending with tokenised collateral
@notice Opens loans by an atomic exchange of both legs, holds the collateral, and runs the margin
        process: mark, call, return, deliver, settle. After a default the close-out desk takes over.
        The rules are those that the simulator runs over columns; both are held to be equal.
        Tokens are numbered by their position in `tokens()`; the last is cash, whose price is 1.
        All amounts are whole tokens, all values whole units of money, all days `timestamp / 86400`.
"""

import types
import book
import assets
import margining
import settlement
import reading

initializes: book
initializes: assets
initializes: margining[book := book, assets := assets]
initializes: settlement[book := book, assets := assets]
initializes: reading[book := book, assets := assets]

exports: (book.agreements, book.loans, assets.CUSTODIAN, assets.ORACLE)
exports: (
    reading.tokens,
    reading.terms,
    reading.loan,
    reading.measure,
    reading.lent,
    reading.collateral,
    reading.instructed,
)

interface Desk:
    def default_day(party: address) -> uint256: view

event Offered:
    loan_id: indexed(uint256)
    lender: indexed(address)
    borrower: indexed(address)
    agreement: uint256

event Withdrawn:
    loan_id: indexed(uint256)

event Opened:
    loan_id: indexed(uint256)
    exposure: uint256

event Appointed:
    desk: indexed(address)

event Stopped:
    loan_id: indexed(uint256)

event Released:
    loan_id: indexed(uint256)
    token: indexed(uint256)
    receiver: indexed(address)
    amount: uint256

event ClosedOut:
    loan_id: indexed(uint256)

CLEARING_HOUSE: public(immutable(address))

desk: public(address)

@deploy
def __init__(
    clearing_house: address,
    custodian: address,
    oracle: address,
    tokens: DynArray[address, types.MAX_TOKENS],
):
    assert clearing_house != empty(address), "zero address"
    CLEARING_HOUSE = clearing_house
    assets.__init__(custodian, oracle, tokens)


# --- agreements and roles ---------------------------------------------------------------------


@external
def register_agreement(
    haircut: uint256,
    margin: uint256,
    trigger: uint256,
    minimum: uint256,
    lag: uint256,
    grace: uint256,
    delivery_up: bool,
    return_up: bool,
    issuance: bool,
    priority: DynArray[uint256, types.MAX_TOKENS],
) -> uint256:
    """
    @notice Enter terms that loans can refer to; they never change.
    @param haircut In basis points; 0 together with a margin percentage.
    @param margin Margin percentage in basis points, 0 for a haircut.
    @param priority Positions of the eligible tokens in the order of delivery.
    @return Number of the agreement.
    """
    self._only_clearing_house()
    return book._register(
        len(assets.TOKENS),
        haircut,
        margin,
        trigger,
        minimum,
        lag,
        grace,
        delivery_up,
        return_up,
        issuance,
        priority,
    )


# --- opening ----------------------------------------------------------------------------------


@external
def offer(
    borrower: address,
    agreement: uint256,
    maturity: uint256,
    term: uint256,
    lent: DynArray[uint256, types.MAX_TOKENS],
    collateral: DynArray[uint256, types.MAX_TOKENS],
) -> uint256:
    """
    @notice The lender proposes a loan; until the end of the day the borrower can accept it.
    @param maturity Day of settlement, 0 for none.
    @param term Days by which the loan goes on at maturity, 0: it settles.
    @return Number of the loan.
    """
    assert borrower != empty(address) and borrower != msg.sender, "no such borrower"
    assert 0 < agreement and agreement <= book.agreements, "unknown agreement"
    day: uint256 = book._today()
    until: uint256 = maturity if maturity > 0 else types.NEVER
    assert day < until and until <= types.NEVER, "maturity out of range"
    assert term < 65536, "term out of range"
    assert len(lent) == len(assets.TOKENS), "number of tokens"
    assert len(collateral) == len(assets.TOKENS), "number of tokens"
    loan: types.Loan = empty(types.Loan)
    book.loans += 1
    loan.loan_id = book.loans
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        assert lent[token] < types.LIMIT and collateral[token] < types.LIMIT, "too large"
        if lent[token] > 0:
            loan.lent_mask |= 1 << token
            book._lent[loan.loan_id][token] = lent[token]
        if collateral[token] > 0:
            loan.mask |= 1 << token
            book._held[loan.loan_id][token] = collateral[token]
    assert loan.lent_mask > 0, "nothing lent"
    assert loan.mask > 0, "no collateral"
    for token: uint256 in book._terms(agreement).priority:
        loan.mask |= 1 << token
    book._lender[loan.loan_id] = (
        convert(msg.sender, uint256) | agreement << 160 | loan.mask << 192 | loan.lent_mask << 208
    )
    book._borrower[loan.loan_id] = convert(borrower, uint256) | until << 160 | term << 192
    loan.state = types.OFFERED
    loan.marked = day
    book._save(loan)
    log Offered(loan_id=loan.loan_id, lender=msg.sender, borrower=borrower, agreement=agreement)
    return loan.loan_id


@external
def withdraw(loan_id: uint256):
    """
    @notice The lender takes back an offer that was not accepted.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OFFERED, "not offered"
    assert msg.sender == loan.lender, "only the lender"
    loan.state = types.WITHDRAWN
    book._save(loan)
    log Withdrawn(loan_id=loan_id)


@external
def accept(loan_id: uint256):
    """
    @notice The borrower accepts an offer: what is lent and the collateral change hands together.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OFFERED, "not offered"
    assert msg.sender == loan.borrower, "only the borrower"
    assert loan.marked == book._today(), "offer expired"
    if self.desk != empty(address):
        for party: address in [loan.lender, loan.borrower]:
            assert staticcall Desk(self.desk).default_day(party) == 0, "party in default"
    measure: types.Measure = book._measure(loan, book._terms(loan.agreement), assets._prices())
    assert measure.exposure < types.LIMIT, "too large"
    assert measure.worth >= convert(measure.required, int256), "not enough collateral"
    loan.state = types.OPEN
    loan.marked = 0
    book._save(loan)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.lent_mask & (1 << token) > 0:
            assets._pull(token, loan.lender, loan.borrower, book._lent[loan_id][token])
        if loan.mask & (1 << token) > 0:
            held: uint256 = book._held[loan_id][token]
            if held > 0:
                assets._pull(token, loan.borrower, self, held)
    log Opened(loan_id=loan_id, exposure=measure.exposure)


# --- margining --------------------------------------------------------------------------------


@external
def adjust(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The day's margin run over loans: first all calls and returns, then all deliveries.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._mark(loan_id, prices))
    for position: uint256 in range(len(outcomes), bound=types.MAX_BATCH):
        if outcomes[position].kind == types.CALL_DELIVERY:
            outcomes[position] = margining._deliver(outcomes[position].loan_id, prices)
    return outcomes


@external
def mark(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The first half of `adjust`, for markets of more loans than one batch.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._mark(loan_id, prices))
    return outcomes


@external
def deliver(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The second half of `adjust`: deliveries on the calls that `mark` made today.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._deliver(loan_id, prices))
    return outcomes


@external
def settle_instructions(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[uint256, types.MAX_BATCH]:
    """
    @notice Settle what was instructed on an earlier day, sized at that day's prices.
    @return For each loan the tokens that its lender issued to complete a return.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    issued: DynArray[uint256, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        issued.append(margining._settle_instruction(loan_id))
    return issued


# --- settlement of loans ----------------------------------------------------------------------


@external
def settle(loan_ids: DynArray[uint256, types.MAX_BATCH]) -> DynArray[bool, types.MAX_BATCH]:
    """
    @notice At maturity, exchange what was lent for the collateral, all of it or nothing.
    @dev A loan whose borrower cannot return what was lent stays open and is overdue by a day more.
    @return For each loan whether it has settled (or gone on for another term).
    """
    assert len(loan_ids) > 0, "no loans"
    done: DynArray[bool, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        loan: types.Loan = book._load(loan_id)
        assert loan.state == types.OPEN, "not open"
        assert msg.sender in [CLEARING_HOUSE, loan.lender, loan.borrower], "not a party"
        assert loan.maturity <= book._today(), "not due"
        assert loan.tried < book._today(), "already tried today"
        assert loan.instructed == types.NO_CALL, "instruction not settled"
        if loan.term > 0:
            maturity: uint256 = book._today() + loan.term
            book._borrower[loan_id] = (
                convert(loan.borrower, uint256) | maturity << 160 | loan.term << 192
            )
            log settlement.Rolled(loan_id=loan_id, maturity=maturity)
            done.append(True)
        else:
            done.append(settlement._settle(loan))
    return done


# --- what the close-out desk may do ------------------------------------------------------------


@external
def appoint(desk: address):
    """
    @notice Name, once and for all, the contract that ends the loans of parties in default.
    """
    self._only_clearing_house()
    assert desk != empty(address), "zero address"
    assert self.desk == empty(address), "already appointed"
    self.desk = desk
    log Appointed(desk=desk)


@external
def stop(loan_id: uint256):
    """
    @notice End the margining of a loan; a delivery under way goes back.
    """
    assert msg.sender == self.desk, "only the desk"
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    delivery: bool = loan.instructed == types.CALL_DELIVERY
    mask: uint256 = loan.instructed_mask
    loan.state = types.STOPPED
    loan.kind = types.NO_CALL
    loan.instructed = types.NO_CALL
    loan.instructed_mask = 0
    book._save(loan)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if mask & (1 << token) > 0:
            amount: uint256 = book._instructed[loan_id][token]
            book._instructed[loan_id][token] = 0
            if delivery:
                assets._push(token, loan.borrower, amount)
    log Stopped(loan_id=loan_id)


@external
def release(loan_id: uint256, token: uint256, receiver: address, amount: uint256):
    """
    @notice Hand out collateral of a stopped loan.
    """
    assert msg.sender == self.desk, "only the desk"
    assert book._load(loan_id).state == types.STOPPED, "not stopped"
    assert token < len(assets.TOKENS), "unknown token"
    held: uint256 = book._held[loan_id][token]
    assert amount > 0, "zero amount"
    assert amount <= held, "more than held"
    book._held[loan_id][token] = held - amount
    assets._push(token, receiver, amount)
    log Released(loan_id=loan_id, token=token, receiver=receiver, amount=amount)


@external
def end(loan_id: uint256):
    """
    @notice Close a stopped loan of which nothing is held any more.
    """
    assert msg.sender == self.desk, "only the desk"
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.STOPPED, "not stopped"
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.mask & (1 << token) > 0:
            assert book._held[loan_id][token] == 0, "collateral not sold"
    loan.state = types.CLOSED_OUT
    loan.advanced = 0
    book._save(loan)
    log ClosedOut(loan_id=loan_id)


# --- within -----------------------------------------------------------------------------------


@internal
@view
def _only_clearing_house():
    assert msg.sender == CLEARING_HOUSE, "only the clearing house"
