# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title  Securities lending with tokenised collateral
@notice Opens loans by an atomic exchange of both legs, holds the collateral, and runs the margin
        process: mark, call, return, deliver, settle. After a default the close-out desk takes over.
        The rules are those of the margining that the simulator runs over columns; both are held to be equal.
        Tokens are numbered by their position in `TOKENS`; the last one is cash, whose price is 1.
        All amounts are whole tokens, all values whole units of money, all days `timestamp / 86400`.
"""

from ethereum.ercs import IERC20

interface Custodian:
    def mint_up_to(owner: address, token: address, receiver: address, amount: uint256) -> uint256: nonpayable
    def redeem(token: address, amount: uint256): nonpayable
    def deposit(owner: address, token: address) -> uint256: view

interface Oracle:
    def prices() -> DynArray[uint256, MAX_TOKENS]: view

interface Desk:
    def default_day(party: address) -> uint256: view

event AgreementRegistered:
    agreement: indexed(uint256)
    packed: uint256

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

event Marked:
    loan_id: indexed(uint256)
    kind: uint256
    excess: int256

event Returned:
    loan_id: indexed(uint256)
    moved: uint256
    issued: uint256

event Delivered:
    loan_id: indexed(uint256)
    moved: uint256
    issued: uint256
    unmet: uint256

event InstructionSettled:
    loan_id: indexed(uint256)
    issued: uint256

event Settled:
    loan_id: indexed(uint256)

event Rolled:
    loan_id: indexed(uint256)
    maturity: uint256

event Overdue:
    loan_id: indexed(uint256)
    days: uint256

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

struct Terms:
    numerator: uint256      # required collateral value = ceil(exposure · numerator / denominator)
    denominator: uint256
    trigger: uint256        # basis points
    minimum: uint256        # movements worth less are not made
    lag: uint256            # days to settlement, 0 or 1
    grace: uint256          # days that a call may stay unmet
    delivery_up: bool
    return_up: bool
    issuance: bool          # the lender completes a return with tokens of its own deposit
    priority: DynArray[uint256, MAX_TOKENS]

struct Loan:
    loan_id: uint256
    lender: address
    borrower: address
    agreement: uint256
    mask: uint256           # bit set: tokens that can be held as collateral
    lent_mask: uint256
    maturity: uint256       # day
    term: uint256           # days by which the loan rolls at maturity, 0: it settles
    state: uint256
    kind: uint256           # the call that is open
    marked: uint256         # day of the last margin run, or of the offer
    unmet_days: uint256
    overdue_days: uint256
    tried: uint256          # day on which a settlement last failed
    advanced: uint256       # first-priority tokens that the lender issued beyond what it held
    instructed: uint256     # the call whose instruction settles on the next day
    instructed_mask: uint256

struct Measure:
    exposure: uint256
    required: uint256
    lower: uint256
    upper: uint256
    worth: int256           # collateral value, less what the lender issued beyond it

struct Outcome:
    loan_id: uint256
    kind: uint256
    excess: int256          # collateral value less what is required, at the call
    worth: int256           # collateral value after the day, before any issuance by the lender
    moved: uint256          # value delivered or returned
    transfers: uint256      # kinds of tokens moved
    issued: uint256         # value issued on the way
    unmet: uint256

MAX_TOKENS: constant(uint256) = 16
MAX_BATCH: constant(uint256) = 64
LIMIT: constant(uint256) = 2**63
DAY: constant(uint256) = 86400
NEVER: constant(uint256) = 2**31 - 1

NO_CALL: constant(uint256) = 0
OFFERED: constant(uint256) = 1
OPEN: constant(uint256) = 2
SETTLED: constant(uint256) = 3
STOPPED: constant(uint256) = 4
CLOSED_OUT: constant(uint256) = 5
WITHDRAWN: constant(uint256) = 6

CALL_DELIVERY: constant(uint256) = 1
CALL_RETURN: constant(uint256) = 2
CALL_NOTHING: constant(uint256) = 3

CLEARING_HOUSE: public(immutable(address))
CUSTODIAN: public(immutable(address))
ORACLE: public(immutable(address))
TOKENS: immutable(DynArray[address, MAX_TOKENS])

agreements: public(uint256)
loans: public(uint256)
desk: public(address)

# Terms, parties and status are packed, for storage is what costs gas; `_terms`, `_load` and
# `_save` know the layout.
_agreement: HashMap[uint256, uint256]
_lender: HashMap[uint256, uint256]
_borrower: HashMap[uint256, uint256]
_status: HashMap[uint256, uint256]
_lent: HashMap[uint256, HashMap[uint256, uint256]]
_held: HashMap[uint256, HashMap[uint256, uint256]]
_instructed: HashMap[uint256, HashMap[uint256, uint256]]


@deploy
def __init__(
    clearing_house: address,
    custodian: address,
    oracle: address,
    tokens: DynArray[address, MAX_TOKENS],
):
    assert empty(address) not in [clearing_house, custodian, oracle], "zero address"
    assert len(tokens) > 1, "number of tokens"
    CLEARING_HOUSE = clearing_house
    CUSTODIAN = custodian
    ORACLE = oracle
    TOKENS = tokens


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
    priority: DynArray[uint256, MAX_TOKENS],
) -> uint256:
    """
    @notice Enter terms that loans can refer to; they never change.
    @param haircut In basis points; 0 together with a margin percentage.
    @param margin Margin percentage in basis points, 0 for a haircut.
    @param priority Positions of the eligible tokens in the order of delivery.
    @return Number of the agreement.
    """
    self._only_clearing_house()
    assert haircut < 10000 and margin <= 1000000, "margin out of range"
    assert haircut == 0 or margin == 0, "haircut and margin"
    assert trigger < 10000, "trigger out of range"
    assert minimum < LIMIT, "too large"
    assert lag <= 1, "lag out of range"
    assert grace < 65536, "grace out of range"
    assert len(priority) > 0 and len(priority) <= len(TOKENS), "number of tokens"
    numerator: uint256 = 10000
    denominator: uint256 = 10000 - haircut
    if margin > 0:
        numerator = margin
        denominator = 10000
    packed: uint256 = numerator | denominator << 32 | trigger << 64 | lag << 80 | grace << 88
    packed |= minimum << 104 | len(priority) << 168
    packed |= convert(delivery_up, uint256) << 176 | convert(return_up, uint256) << 177
    packed |= convert(issuance, uint256) << 178
    seen: uint256 = 0
    offset: uint256 = 184
    for token: uint256 in priority:
        assert token < len(TOKENS), "unknown token"
        assert seen & (1 << token) == 0, "token twice"
        seen |= 1 << token
        packed |= token << offset
        offset += 4
    self.agreements += 1
    self._agreement[self.agreements] = packed
    log AgreementRegistered(agreement=self.agreements, packed=packed)
    return self.agreements


# --- opening ----------------------------------------------------------------------------------


@external
def offer(
    borrower: address,
    agreement: uint256,
    maturity: uint256,
    term: uint256,
    lent: DynArray[uint256, MAX_TOKENS],
    collateral: DynArray[uint256, MAX_TOKENS],
) -> uint256:
    """
    @notice The lender proposes a loan; until the end of the day the borrower can accept it.
    @param maturity Day of settlement, 0 for none.
    @param term Days by which the loan goes on at maturity, 0: it settles.
    @return Number of the loan.
    """
    assert borrower != empty(address) and borrower != msg.sender, "no such borrower"
    assert 0 < agreement and agreement <= self.agreements, "unknown agreement"
    day: uint256 = self._today()
    until: uint256 = maturity if maturity > 0 else NEVER
    assert day < until and until <= NEVER, "maturity out of range"
    assert term < 65536, "term out of range"
    assert len(lent) == len(TOKENS) and len(collateral) == len(TOKENS), "number of tokens"
    loan: Loan = empty(Loan)
    self.loans += 1
    loan.loan_id = self.loans
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        assert lent[token] < LIMIT and collateral[token] < LIMIT, "too large"
        if lent[token] > 0:
            loan.lent_mask |= 1 << token
            self._lent[loan.loan_id][token] = lent[token]
        if collateral[token] > 0:
            loan.mask |= 1 << token
            self._held[loan.loan_id][token] = collateral[token]
    assert loan.lent_mask > 0, "nothing lent"
    assert loan.mask > 0, "no collateral"
    for token: uint256 in self._terms(agreement).priority:
        loan.mask |= 1 << token
    self._lender[loan.loan_id] = (
        convert(msg.sender, uint256) | agreement << 160 | loan.mask << 192 | loan.lent_mask << 208
    )
    self._borrower[loan.loan_id] = convert(borrower, uint256) | until << 160 | term << 192
    loan.state = OFFERED
    loan.marked = day
    self._save(loan)
    log Offered(loan_id=loan.loan_id, lender=msg.sender, borrower=borrower, agreement=agreement)
    return loan.loan_id


@external
def withdraw(loan_id: uint256):
    """
    @notice The lender takes back an offer that was not accepted.
    """
    loan: Loan = self._load(loan_id)
    assert loan.state == OFFERED, "not offered"
    assert msg.sender == loan.lender, "only the lender"
    loan.state = WITHDRAWN
    self._save(loan)
    log Withdrawn(loan_id=loan_id)


@external
def accept(loan_id: uint256):
    """
    @notice The borrower accepts an offer: what is lent and the collateral change hands together.
    """
    loan: Loan = self._load(loan_id)
    assert loan.state == OFFERED, "not offered"
    assert msg.sender == loan.borrower, "only the borrower"
    assert loan.marked == self._today(), "offer expired"
    if self.desk != empty(address):
        for party: address in [loan.lender, loan.borrower]:
            assert staticcall Desk(self.desk).default_day(party) == 0, "party in default"
    measure: Measure = self._measure(loan, self._terms(loan.agreement), self._prices())
    assert measure.exposure < LIMIT, "too large"
    assert measure.worth >= convert(measure.required, int256), "not enough collateral"
    loan.state = OPEN
    loan.marked = 0
    self._save(loan)
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.lent_mask & (1 << token) > 0:
            self._pull(token, loan.lender, loan.borrower, self._lent[loan_id][token])
        if loan.mask & (1 << token) > 0:
            held: uint256 = self._held[loan_id][token]
            if held > 0:
                self._pull(token, loan.borrower, self, held)
    log Opened(loan_id=loan_id, exposure=measure.exposure)


# --- margining --------------------------------------------------------------------------------


@external
def adjust(loan_ids: DynArray[uint256, MAX_BATCH]) -> DynArray[Outcome, MAX_BATCH]:
    """
    @notice The day's margin run over loans: first all calls and returns, then all deliveries.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, MAX_TOKENS] = self._prices()
    outcomes: DynArray[Outcome, MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(self._mark(loan_id, prices))
    for position: uint256 in range(len(outcomes), bound=MAX_BATCH):
        if outcomes[position].kind == CALL_DELIVERY:
            outcomes[position] = self._deliver(outcomes[position].loan_id, prices)
    return outcomes


@external
def mark(loan_ids: DynArray[uint256, MAX_BATCH]) -> DynArray[Outcome, MAX_BATCH]:
    """
    @notice The first half of `adjust`, for markets of more loans than one batch.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, MAX_TOKENS] = self._prices()
    outcomes: DynArray[Outcome, MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(self._mark(loan_id, prices))
    return outcomes


@external
def deliver(loan_ids: DynArray[uint256, MAX_BATCH]) -> DynArray[Outcome, MAX_BATCH]:
    """
    @notice The second half of `adjust`: deliveries on the calls that `mark` made today.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    prices: DynArray[uint256, MAX_TOKENS] = self._prices()
    outcomes: DynArray[Outcome, MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(self._deliver(loan_id, prices))
    return outcomes


@internal
def _mark(loan_id: uint256, prices: DynArray[uint256, MAX_TOKENS]) -> Outcome:
    """
    @dev Value a loan's collateral, trigger its call, and make or instruct the return.
    """
    loan: Loan = self._load(loan_id)
    assert loan.state == OPEN, "not open"
    assert loan.marked < self._today(), "already marked today"
    assert loan.instructed == NO_CALL, "instruction not settled"
    terms: Terms = self._terms(loan.agreement)
    measure: Measure = self._measure(loan, terms, prices)
    excess: int256 = measure.worth - convert(measure.required, int256)
    loan.kind = NO_CALL
    if convert(abs(excess), uint256) >= terms.minimum:
        if terms.trigger == 0:
            loan.kind = CALL_NOTHING
            if excess != 0:
                loan.kind = CALL_DELIVERY if excess < 0 else CALL_RETURN
        elif measure.worth < convert(measure.lower, int256) or (loan.unmet_days > 0 and excess < 0):
            loan.kind = CALL_DELIVERY
        elif measure.worth > convert(measure.upper, int256):
            loan.kind = CALL_RETURN
    outcome: Outcome = empty(Outcome)
    outcome.loan_id = loan_id
    outcome.kind = loan.kind
    outcome.excess = excess
    outcome.worth = measure.worth
    loan.marked = self._today()
    if loan.kind != CALL_DELIVERY:
        loan.unmet_days = 0
    log Marked(loan_id=loan_id, kind=loan.kind, excess=excess)
    if loan.kind != CALL_RETURN:
        self._save(loan)
        return outcome

    loan.kind = NO_CALL
    left: int256 = excess
    for j: uint256 in range(len(terms.priority), bound=MAX_TOKENS):
        if left <= 0:
            break
        token: uint256 = terms.priority[len(terms.priority) - 1 - j]
        wanted: uint256 = self._whole(convert(left, uint256), prices[token], terms.return_up)
        held: uint256 = self._held[loan_id][token]
        amount: uint256 = min(wanted, held)
        if amount > 0:
            if terms.lag > 0:
                self._instructed[loan_id][token] = amount
                loan.instructed_mask |= 1 << token
            else:
                self._held[loan_id][token] = held - amount
                self._push(token, loan.borrower, amount)
            outcome.moved += amount * prices[token]
            outcome.transfers += 1
            left -= convert(amount * prices[token], int256)
        if amount < held:
            left = 0
    if terms.lag == 0:
        outcome.worth -= convert(outcome.moved, int256)
    if left > 0 and terms.issuance:
        first: uint256 = terms.priority[0]
        amount: uint256 = self._whole(convert(left, uint256), prices[first], terms.return_up)
        if terms.lag > 0:
            self._instructed[loan_id][first] += amount
            loan.instructed_mask |= 1 << first
        else:
            amount = self._issue(first, loan.lender, loan.borrower, amount)
            loan.advanced += amount
            outcome.issued = amount * prices[first]
        outcome.moved += amount * prices[first]
        if amount > 0:
            outcome.transfers += 1
    if loan.instructed_mask > 0:
        loan.instructed = CALL_RETURN
    self._save(loan)
    log Returned(loan_id=loan_id, moved=outcome.moved, issued=outcome.issued)
    return outcome


@internal
def _deliver(loan_id: uint256, prices: DynArray[uint256, MAX_TOKENS]) -> Outcome:
    """
    @dev Deliver on a call: tokens of the wallet in the order of priority, then newly issued ones.
         What neither brings is the loan's unmet call; it stops nobody else's delivery.
    """
    loan: Loan = self._load(loan_id)
    assert loan.state == OPEN, "not open"
    assert loan.kind == CALL_DELIVERY and loan.marked == self._today(), "no call"
    terms: Terms = self._terms(loan.agreement)
    measure: Measure = self._measure(loan, terms, prices)
    outcome: Outcome = empty(Outcome)
    outcome.loan_id = loan_id
    outcome.kind = CALL_DELIVERY
    outcome.excess = measure.worth - convert(measure.required, int256)
    outcome.worth = measure.worth
    missing: int256 = -outcome.excess
    brought: uint256[MAX_TOKENS] = empty(uint256[MAX_TOKENS])
    full: bool = False
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        wanted: uint256 = self._whole(convert(missing, uint256), prices[token], terms.delivery_up)
        amount: uint256 = min(wanted, self._usable(token, loan.borrower))
        if amount > 0:
            self._pull(token, loan.borrower, self, amount)
            brought[token] = amount
            missing -= convert(amount * prices[token], int256)
        full = amount == wanted
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        wanted: uint256 = self._whole(convert(missing, uint256), prices[token], terms.delivery_up)
        amount: uint256 = 0
        if wanted > 0:
            amount = self._issue(token, loan.borrower, self, wanted)
            brought[token] += amount
            missing -= convert(amount * prices[token], int256)
            outcome.issued += amount * prices[token]
        full = amount == wanted
    dearest: uint256 = 0
    for token: uint256 in terms.priority:
        dearest = max(dearest, prices[token])
        amount: uint256 = brought[token]
        if amount > 0:
            outcome.moved += amount * prices[token]
            outcome.transfers += 1
            if terms.lag > 0:
                self._instructed[loan_id][token] = amount
                loan.instructed_mask |= 1 << token
                loan.instructed = CALL_DELIVERY
            else:
                if token == terms.priority[0]:
                    repaid: uint256 = min(amount, loan.advanced)
                    self._repay(token, repaid)
                    loan.advanced -= repaid
                    amount -= repaid
                if amount > 0:
                    self._held[loan_id][token] += amount
    if terms.lag == 0:
        outcome.worth += convert(outcome.moved, int256)
    # Rounded down, a delivery leaves less than a token open, which is not an unmet call.
    if missing > 0 and (terms.delivery_up or convert(missing, uint256) >= dearest):
        outcome.unmet = convert(missing, uint256)
        loan.unmet_days = min(loan.unmet_days + 1, 65535)
    else:
        loan.unmet_days = 0
    loan.kind = NO_CALL
    self._save(loan)
    log Delivered(loan_id=loan_id, moved=outcome.moved, issued=outcome.issued, unmet=outcome.unmet)
    return outcome


@external
def settle_instructions(
    loan_ids: DynArray[uint256, MAX_BATCH]
) -> DynArray[uint256, MAX_BATCH]:
    """
    @notice Settle what was instructed on an earlier day, sized at that day's prices.
    @return For each loan the tokens that its lender issued to complete a return.
    """
    self._only_clearing_house()
    assert len(loan_ids) > 0, "no loans"
    issued: DynArray[uint256, MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        issued.append(self._settle_instruction(loan_id))
    return issued


@internal
def _settle_instruction(loan_id: uint256) -> uint256:
    loan: Loan = self._load(loan_id)
    assert loan.state == OPEN, "not open"
    assert loan.instructed != NO_CALL, "no instruction"
    assert loan.marked < self._today(), "not due"
    terms: Terms = self._terms(loan.agreement)
    first: uint256 = terms.priority[0]
    issued: uint256 = 0
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.instructed_mask & (1 << token) == 0:
            continue
        due: uint256 = self._instructed[loan_id][token]
        self._instructed[loan_id][token] = 0
        held: uint256 = self._held[loan_id][token]
        if loan.instructed == CALL_RETURN:
            here: uint256 = min(due, held)
            if here > 0:
                self._held[loan_id][token] = held - here
                self._push(token, loan.borrower, here)
            if due > held and token == first and terms.issuance:
                issued = self._issue(token, loan.lender, loan.borrower, due - held)
                loan.advanced += issued
        else:
            if token == first:
                repaid: uint256 = min(due, loan.advanced)
                self._repay(token, repaid)
                loan.advanced -= repaid
                due -= repaid
            if due > 0:
                self._held[loan_id][token] = held + due
    loan.instructed = NO_CALL
    loan.instructed_mask = 0
    self._save(loan)
    log InstructionSettled(loan_id=loan_id, issued=issued)
    return issued


# --- settlement of loans ----------------------------------------------------------------------


@external
def settle(loan_ids: DynArray[uint256, MAX_BATCH]) -> DynArray[bool, MAX_BATCH]:
    """
    @notice At maturity, exchange what was lent for the collateral, all of it or nothing.
    @dev A loan whose borrower cannot return what was lent stays open and is overdue by a day more.
    @return For each loan whether it has settled (or gone on for another term).
    """
    assert len(loan_ids) > 0, "no loans"
    done: DynArray[bool, MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        loan: Loan = self._load(loan_id)
        assert loan.state == OPEN, "not open"
        assert msg.sender in [CLEARING_HOUSE, loan.lender, loan.borrower], "not a party"
        assert loan.maturity <= self._today(), "not due"
        assert loan.tried < self._today(), "already tried today"
        assert loan.instructed == NO_CALL, "instruction not settled"
        if loan.term > 0:
            maturity: uint256 = self._today() + loan.term
            self._borrower[loan_id] = (
                convert(loan.borrower, uint256) | maturity << 160 | loan.term << 192
            )
            log Rolled(loan_id=loan_id, maturity=maturity)
            done.append(True)
        else:
            done.append(self._settle(loan))
    return done


@internal
def _settle(opened: Loan) -> bool:
    loan: Loan = opened
    first: uint256 = self._terms(loan.agreement).priority[0]
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        needed: uint256 = 0
        if loan.lent_mask & (1 << token) > 0:
            needed = self._lent[loan.loan_id][token]
        if token == first:
            needed += loan.advanced
        if needed > 0:
            there: uint256 = self._usable(token, loan.borrower)
            if there < needed and needed - there > staticcall Custodian(CUSTODIAN).deposit(
                loan.borrower, TOKENS[token]
            ):
                loan.overdue_days = min(loan.overdue_days + 1, 65535)
                loan.tried = self._today()
                self._save(loan)
                log Overdue(loan_id=loan.loan_id, days=loan.overdue_days)
                return False
    advanced: uint256 = loan.advanced
    loan.state = SETTLED
    loan.advanced = 0
    loan.kind = NO_CALL
    loan.unmet_days = 0
    loan.overdue_days = 0
    self._save(loan)
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.lent_mask & (1 << token) > 0:
            self._collect(token, loan.borrower, loan.lender, self._lent[loan.loan_id][token])
    if advanced > 0:
        self._collect(first, loan.borrower, self, advanced)
        self._repay(first, advanced)
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.mask & (1 << token) > 0:
            held: uint256 = self._held[loan.loan_id][token]
            if held > 0:
                self._held[loan.loan_id][token] = 0
                self._push(token, loan.borrower, held)
    log Settled(loan_id=loan.loan_id)
    return True


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
    loan: Loan = self._load(loan_id)
    assert loan.state == OPEN, "not open"
    delivery: bool = loan.instructed == CALL_DELIVERY
    mask: uint256 = loan.instructed_mask
    loan.state = STOPPED
    loan.kind = NO_CALL
    loan.instructed = NO_CALL
    loan.instructed_mask = 0
    self._save(loan)
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if mask & (1 << token) > 0:
            amount: uint256 = self._instructed[loan_id][token]
            self._instructed[loan_id][token] = 0
            if delivery:
                self._push(token, loan.borrower, amount)
    log Stopped(loan_id=loan_id)


@external
def release(loan_id: uint256, token: uint256, receiver: address, amount: uint256):
    """
    @notice Hand out collateral of a stopped loan.
    """
    assert msg.sender == self.desk, "only the desk"
    assert self._load(loan_id).state == STOPPED, "not stopped"
    assert token < len(TOKENS), "unknown token"
    held: uint256 = self._held[loan_id][token]
    assert amount > 0, "zero amount"
    assert amount <= held, "more than held"
    self._held[loan_id][token] = held - amount
    self._push(token, receiver, amount)
    log Released(loan_id=loan_id, token=token, receiver=receiver, amount=amount)


@external
def end(loan_id: uint256):
    """
    @notice Close a stopped loan of which nothing is held any more.
    """
    assert msg.sender == self.desk, "only the desk"
    loan: Loan = self._load(loan_id)
    assert loan.state == STOPPED, "not stopped"
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.mask & (1 << token) > 0:
            assert self._held[loan_id][token] == 0, "collateral not sold"
    loan.state = CLOSED_OUT
    loan.advanced = 0
    self._save(loan)
    log ClosedOut(loan_id=loan_id)


# --- what anybody can read --------------------------------------------------------------------


@external
@view
def tokens() -> DynArray[address, MAX_TOKENS]:
    return TOKENS


@external
@view
def terms(agreement: uint256) -> Terms:
    return self._terms(agreement)


@external
@view
def loan(loan_id: uint256) -> Loan:
    return self._load(loan_id)


@external
@view
def measure(loan_id: uint256) -> Measure:
    """
    @notice Exposure, requirement and collateral value at the oracle's prices.
    """
    loan: Loan = self._load(loan_id)
    return self._measure(loan, self._terms(loan.agreement), self._prices())


@external
@view
def lent(loan_id: uint256) -> DynArray[uint256, MAX_TOKENS]:
    amounts: DynArray[uint256, MAX_TOKENS] = []
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        amounts.append(self._lent[loan_id][token])
    return amounts


@external
@view
def collateral(loan_id: uint256) -> DynArray[uint256, MAX_TOKENS]:
    """
    @notice Tokens held for a loan; of an offer, those that it asks for.
    """
    amounts: DynArray[uint256, MAX_TOKENS] = []
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        amounts.append(self._held[loan_id][token])
    return amounts


@external
@view
def instructed(loan_id: uint256) -> DynArray[uint256, MAX_TOKENS]:
    """
    @notice Tokens that settle on the next day, in the direction that `loan` tells.
    """
    amounts: DynArray[uint256, MAX_TOKENS] = []
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        amounts.append(self._instructed[loan_id][token])
    return amounts


# --- within -----------------------------------------------------------------------------------


@internal
@view
def _only_clearing_house():
    assert msg.sender == CLEARING_HOUSE, "only the clearing house"


@internal
@view
def _today() -> uint256:
    return block.timestamp // DAY


@internal
@view
def _prices() -> DynArray[uint256, MAX_TOKENS]:
    prices: DynArray[uint256, MAX_TOKENS] = staticcall Oracle(ORACLE).prices()
    assert len(prices) == len(TOKENS) - 1, "number of prices"
    prices.append(1)
    return prices


@internal
@view
def _measure(loan: Loan, terms: Terms, prices: DynArray[uint256, MAX_TOKENS]) -> Measure:
    """
    @dev Required collateral value and trigger band, from the exposure, and the collateral's value.
    """
    measure: Measure = empty(Measure)
    held: uint256 = 0
    for token: uint256 in range(len(TOKENS), bound=MAX_TOKENS):
        if loan.lent_mask & (1 << token) > 0:
            measure.exposure += self._lent[loan.loan_id][token] * prices[token]
        if loan.mask & (1 << token) > 0:
            held += self._held[loan.loan_id][token] * prices[token]
    top: uint256 = measure.exposure * terms.numerator
    measure.required = self._whole_value(top, terms.denominator)
    bottom: uint256 = terms.denominator * 10000
    measure.upper = top * (10000 + terms.trigger) // bottom
    measure.lower = self._whole_value(top * (10000 - terms.trigger), bottom)
    measure.worth = convert(held, int256) - convert(
        loan.advanced * prices[terms.priority[0]], int256
    )
    return measure


@internal
@pure
def _whole_value(numerator: uint256, denominator: uint256) -> uint256:
    return (numerator + denominator - 1) // denominator


@internal
@pure
def _whole(amount: uint256, price: uint256, up: bool) -> uint256:
    """
    @dev Number of tokens that a value comes to; capped, so that nothing can overflow later.
    """
    number: uint256 = amount // price
    if up and amount % price > 0:
        number += 1
    return min(number, LIMIT - 1)


@internal
@view
def _usable(token: uint256, owner: address) -> uint256:
    """
    @dev What the contract can take from a wallet. Asking first, one borrower stops no batch.
    """
    there: uint256 = staticcall IERC20(TOKENS[token]).balanceOf(owner)
    if there == 0:
        return 0
    return min(there, staticcall IERC20(TOKENS[token]).allowance(owner, self))


@internal
def _pull(token: uint256, owner: address, receiver: address, amount: uint256):
    assert extcall IERC20(TOKENS[token]).transferFrom(owner, receiver, amount), "not transferred"


@internal
def _push(token: uint256, receiver: address, amount: uint256):
    assert extcall IERC20(TOKENS[token]).transfer(receiver, amount), "not transferred"


@internal
def _issue(token: uint256, owner: address, receiver: address, amount: uint256) -> uint256:
    return extcall Custodian(CUSTODIAN).mint_up_to(owner, TOKENS[token], receiver, amount)


@internal
def _collect(token: uint256, owner: address, receiver: address, amount: uint256):
    """
    @dev Take tokens from a wallet, and have issued what it lacks; the caller has checked that
         both together suffice.
    """
    there: uint256 = min(amount, self._usable(token, owner))
    if there > 0:
        self._pull(token, owner, receiver, there)
    if there < amount:
        assert self._issue(token, owner, receiver, amount - there) == amount - there, "beyond the deposit"


@internal
def _repay(token: uint256, amount: uint256):
    """
    @dev Redeem tokens that make good what a lender had issued.
    """
    if amount > 0:
        extcall Custodian(CUSTODIAN).redeem(TOKENS[token], amount)


@internal
@view
def _terms(agreement: uint256) -> Terms:
    packed: uint256 = self._agreement[agreement]
    terms: Terms = empty(Terms)
    terms.numerator = packed & (2**32 - 1)
    terms.denominator = (packed >> 32) & (2**32 - 1)
    terms.trigger = (packed >> 64) & (2**16 - 1)
    terms.lag = (packed >> 80) & (2**8 - 1)
    terms.grace = (packed >> 88) & (2**16 - 1)
    terms.minimum = (packed >> 104) & (2**64 - 1)
    terms.delivery_up = (packed >> 176) & 1 == 1
    terms.return_up = (packed >> 177) & 1 == 1
    terms.issuance = (packed >> 178) & 1 == 1
    number: uint256 = (packed >> 168) & (2**8 - 1)
    for j: uint256 in range(number, bound=MAX_TOKENS):
        terms.priority.append((packed >> (184 + 4 * j)) & 15)
    return terms


@internal
@view
def _load(loan_id: uint256) -> Loan:
    loan: Loan = empty(Loan)
    status: uint256 = self._status[loan_id]
    assert status > 0, "no such loan"
    loan.loan_id = loan_id
    packed: uint256 = self._lender[loan_id]
    loan.lender = convert(packed & (2**160 - 1), address)
    loan.agreement = (packed >> 160) & (2**32 - 1)
    loan.mask = (packed >> 192) & (2**16 - 1)
    loan.lent_mask = (packed >> 208) & (2**16 - 1)
    packed = self._borrower[loan_id]
    loan.borrower = convert(packed & (2**160 - 1), address)
    loan.maturity = (packed >> 160) & (2**32 - 1)
    loan.term = (packed >> 192) & (2**16 - 1)
    loan.state = status & (2**8 - 1)
    loan.kind = (status >> 8) & (2**8 - 1)
    loan.marked = (status >> 16) & (2**32 - 1)
    loan.unmet_days = (status >> 48) & (2**16 - 1)
    loan.overdue_days = (status >> 64) & (2**16 - 1)
    loan.tried = (status >> 80) & (2**32 - 1)
    loan.instructed = (status >> 112) & (2**8 - 1)
    loan.instructed_mask = (status >> 120) & (2**16 - 1)
    loan.advanced = status >> 136
    return loan


@internal
def _save(loan: Loan):
    self._status[loan.loan_id] = (
        loan.state
        | loan.kind << 8
        | loan.marked << 16
        | loan.unmet_days << 48
        | loan.overdue_days << 64
        | loan.tried << 80
        | loan.instructed << 112
        | loan.instructed_mask << 120
        | loan.advanced << 136
    )
