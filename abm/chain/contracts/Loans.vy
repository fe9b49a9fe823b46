# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title  Opening, settlement and stopping of loans
@notice The part of the lending contract that does not run every day. It holds nothing itself: the
        lending contract runs its code on its own storage.
@dev    The modules with storage are initialised in the same order as in `Lending`.
"""

import types
import roles
import book
import assets
import settlement

initializes: roles
initializes: book
initializes: assets[book := book]
initializes: settlement[book := book, assets := assets]

exports: (roles.offer_role, roles.take_role, roles.pause, roles.resume)
interface Desk:
    def default_day(party: address) -> uint256: view

interface Oracle:
    def observed() -> uint256: view

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
    receiver: indexed(address)

event ClosedOut:
    loan_id: indexed(uint256)

event Claimed:
    owner: indexed(address)
    token: indexed(uint256)
    receiver: address
    amount: uint256

# Seconds after which prices are too old to open a loan at.
OPENING_AGE: constant(uint256) = 3600
# What a loan is worth at least when it opens: handling one that is worth less costs more than it.
SMALLEST_LOAN: public(immutable(uint256))


@deploy
def __init__(
    custodian: address,
    oracle: address,
    tokens: DynArray[address, types.MAX_TOKENS],
    smallest_loan: uint256,
):
    assets.__init__(custodian, oracle, tokens)
    SMALLEST_LOAN = smallest_loan


# --- agreements and roles ---------------------------------------------------------------------


@external
def register_agreement(
    haircut: uint256,
    margin: uint256,
    trigger: uint256,
    minimum: uint256,
    lag: uint256,
    grace: uint256,
    notice: uint256,
    cap: uint256,
    delivery_up: bool,
    return_up: bool,
    issuance: bool,
    priority: DynArray[uint256, types.MAX_TOKENS],
) -> uint256:
    """
    @notice Enter terms that loans can refer to; they never change.
    @param haircut In basis points; 0 together with a margin percentage.
    @param margin Margin percentage in basis points, 0 for a haircut.
    @param cap Per cent of a loan's value that its lender issues at most on one return.
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
        notice,
        cap,
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
    gives: uint256[types.WORDS] = empty(uint256[types.WORDS])
    asks: uint256[types.WORDS] = empty(uint256[types.WORDS])
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        assert lent[token] < types.LIMIT and collateral[token] < types.LIMIT, "too large"
        offset: uint256 = 64 * (token % types.PER_WORD)
        if lent[token] > 0:
            loan.lent_mask |= 1 << token
            gives[token // types.PER_WORD] |= lent[token] << offset
        if collateral[token] > 0:
            loan.mask |= 1 << token
            asks[token // types.PER_WORD] |= collateral[token] << offset
    for word: uint256 in range(types.WORDS):
        if gives[word] > 0:
            book._lent[loan.loan_id][word] = gives[word]
        if asks[word] > 0:
            book._held[loan.loan_id][word] = asks[word]
    assert loan.lent_mask > 0, "nothing lent"
    assert loan.mask > 0, "no collateral"
    for token: uint256 in book._terms(agreement).priority:
        loan.mask |= 1 << token
    book._lender[loan.loan_id] = (
        convert(msg.sender, uint256) | agreement << 160 | loan.mask << 192 | loan.lent_mask << 208
    )
    loan.borrower = borrower
    book._set_maturity(loan, until, term)
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
    assert block.timestamp >= roles._paused_until(), "paused"
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OFFERED, "not offered"
    assert msg.sender == loan.borrower, "only the borrower"
    assert loan.marked == book._today(), "offer expired"
    if book.desk != empty(address):
        for party: address in [loan.lender, loan.borrower]:
            assert staticcall Desk(book.desk).default_day(party) == 0, "party in default"
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    age: uint256 = block.timestamp - staticcall Oracle(assets.ORACLE).observed()
    assert age <= OPENING_AGE, "prices too old to open"
    measure: types.Measure = book._measure(loan, book._terms(loan.agreement), prices)
    assert measure.exposure < types.LIMIT, "too large"
    assert measure.exposure >= SMALLEST_LOAN, "loan too small"
    assert measure.worth >= convert(measure.required, int256), "not enough collateral"
    loan.state = types.OPEN
    loan.marked = 0
    book._save(loan)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amount: uint256 = book._lent_of(loan_id, token)
        if amount > 0:
            assert assets._pull(token, loan.lender, loan.borrower, amount), "lender cannot give"
        amount = book._held_of(loan_id, token)
        if amount > 0:
            assert assets._pull(token, loan.borrower, self, amount), "borrower cannot give"
    log Opened(loan_id=loan_id, exposure=measure.exposure)


# --- while a loan is open, and its end --------------------------------------------------------


@external
def top_up(loan_id: uint256, token: uint256, amount: uint256):
    """
    @notice The borrower adds collateral of its own accord; that cures a call it had not met.
    """
    settlement._top_up(loan_id, token, amount)


@external
def end_early(loan_id: uint256):
    """
    @notice Have a loan fall due. A loan without an end: at once for its borrower, after the notice
            for its lender. A loan that rolls: with its term. Any loan: at once, when the other
            party has asked for the same.
    """
    settlement._end_early(loan_id)


@external
def settle(loan_ids: DynArray[uint256, types.MAX_BATCH]) -> DynArray[bool, types.MAX_BATCH]:
    """
    @notice From maturity on, exchange what was lent for the collateral, all of it or nothing.
    @dev A loan whose borrower cannot return what was lent stays open; after the cut-off of a day it
         is overdue by a day more.
    @return For each loan whether it has settled (or gone on for another term).
    """
    assert len(loan_ids) > 0, "no loans"
    house: bool = msg.sender == roles._holder(roles.OPERATOR)
    done: DynArray[bool, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        done.append(settlement._settle_due(loan_id, house))
    return done


@external
@reentrant
def exchange(loan_id: uint256):
    """
    @notice The settlement of one loan, on its own so that it is undone alone.
    """
    assert msg.sender == self, "only within"
    settlement._exchange(loan_id)


@external
def claim(token: uint256, receiver: address):
    """
    @notice Take what the contract keeps for the caller because it could not be handed over.
    """
    assert token < len(assets.TOKENS), "unknown token"
    amount: uint256 = book._credit[msg.sender][token]
    assert amount > 0, "nothing to claim"
    book._credit[msg.sender][token] = 0
    assert assets._push(token, receiver, amount), "not moved"
    log Claimed(owner=msg.sender, token=token, receiver=receiver, amount=amount)


# --- what the close-out desk may do ------------------------------------------------------------


@external
def appoint(desk: address):
    """
    @notice Name, once and for all, the contract that ends the loans of parties in default.
    """
    assert msg.sender == roles._holder(roles.ADMIN), "only the administrator"
    assert desk != empty(address), "zero address"
    assert book.desk == empty(address), "already appointed"
    book.desk = desk
    log Appointed(desk=desk)


@external
def stop(loan_id: uint256):
    """
    @notice End the margining of a loan; a delivery under way is final, and becomes collateral.
    """
    self._only_desk()
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    loan.advanced = settlement._finish(loan)
    loan.state = types.STOPPED
    loan.kind = types.NO_CALL
    loan.instructed = types.NO_CALL
    book._save(loan)
    log Stopped(loan_id=loan_id)


@external
def release(
    loan_id: uint256, receiver: address, amounts: DynArray[uint256, types.MAX_TOKENS]
):
    """
    @notice Hand out collateral of a stopped loan.
    """
    self._only_desk()
    assert book._load(loan_id).state == types.STOPPED, "not stopped"
    assert len(amounts) == len(assets.TOKENS), "number of tokens"
    for token: uint256 in range(len(amounts), bound=types.MAX_TOKENS):
        if amounts[token] > 0:
            held: uint256 = book._held_of(loan_id, token)
            assert amounts[token] <= held, "more than held"
            book._take_held(loan_id, token, amounts[token])
            assets._hand_over(token, receiver, amounts[token])
    log Released(loan_id=loan_id, receiver=receiver)


@external
def end(loan_id: uint256):
    """
    @notice Close a stopped loan of which nothing is held any more.
    """
    self._only_desk()
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.STOPPED, "not stopped"
    for word: uint256 in range(types.WORDS):
        assert book._held[loan_id][word] == 0, "collateral not sold"
    loan.state = types.CLOSED_OUT
    loan.advanced = 0
    book._save(loan)
    log ClosedOut(loan_id=loan_id)


# --- within -----------------------------------------------------------------------------------


@internal
@view
def _only_clearing_house():
    assert msg.sender == roles._holder(roles.OPERATOR), "only the clearing house"


@internal
@view
def _only_desk():
    assert msg.sender == book.desk, "only the desk"
