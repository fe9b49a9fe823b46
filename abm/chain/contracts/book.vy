# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The loan book: agreements and loans, and what they require
@dev    Terms, parties, status and amounts are packed, for storage is what costs gas; `_terms`,
        `_load`, `_save` and the functions of amounts know the layout.
"""

import types

event AgreementRegistered:
    agreement: indexed(uint256)
    packed: uint256

agreements: public(uint256)
loans: public(uint256)
# The contract that ends the loans of parties in default.
desk: public(address)

_agreement: HashMap[uint256, uint256]
_lender: HashMap[uint256, uint256]
_borrower: HashMap[uint256, uint256]
_status: HashMap[uint256, uint256]
_lent: HashMap[uint256, uint256[types.WORDS]]
_held: HashMap[uint256, uint256[types.WORDS]]
_instructed: HashMap[uint256, uint256[types.WORDS]]
# Who has agreed to end a loan early.
_consent: HashMap[uint256, address]
# What could not be handed to its owner, who pulls it.
_credit: HashMap[address, HashMap[uint256, uint256]]


@internal
def _register(
    tokens: uint256,
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
    assert haircut < 10000, "haircut out of range"
    # Less than the loan itself would be no security, whatever is called.
    assert margin == 0 or (10000 <= margin and margin <= 1000000), "margin out of range"
    assert haircut == 0 or margin == 0, "haircut and margin"
    assert trigger < 10000, "trigger out of range"
    assert minimum < types.LIMIT, "too large"
    assert lag <= 1, "lag out of range"
    assert grace < 65536, "grace out of range"
    assert notice < 256, "notice out of range"
    assert cap <= types.NO_CAP, "cap out of range"
    assert len(priority) > 0 and len(priority) <= tokens, "number of tokens"
    numerator: uint256 = 10000
    denominator: uint256 = 10000 - haircut
    if margin > 0:
        numerator = margin
        denominator = 10000
    packed: uint256 = numerator | denominator << 20 | cap << 36 | notice << 56
    packed |= trigger << 64 | lag << 80 | grace << 88
    packed |= minimum << 104 | len(priority) << 168
    packed |= convert(delivery_up, uint256) << 176 | convert(return_up, uint256) << 177
    packed |= convert(issuance, uint256) << 178
    seen: uint256 = 0
    offset: uint256 = 184
    for token: uint256 in priority:
        assert token < tokens, "unknown token"
        assert seen & (1 << token) == 0, "token twice"
        seen |= 1 << token
        packed |= token << offset
        offset += 4
    self.agreements += 1
    self._agreement[self.agreements] = packed
    log AgreementRegistered(agreement=self.agreements, packed=packed)
    return self.agreements


@internal
@view
def _today() -> uint256:
    return block.timestamp // types.DAY


@internal
@view
def _after_cutoff() -> bool:
    return block.timestamp % types.DAY >= types.CUTOFF


@internal
@view
def _measure(
    loan: types.Loan, terms: types.Terms, prices: uint256[types.MAX_TOKENS]
) -> types.Measure:
    """
    @dev Required collateral value and trigger band, from the exposure, and the collateral's value.
         Amounts have 64 bits and prices 63: no product or sum of 16 of them can overflow.
    """
    measure: types.Measure = empty(types.Measure)
    held: uint256 = 0
    for word: uint256 in range(types.WORDS):
        first: uint256 = unsafe_mul(word, types.PER_WORD)
        if (loan.lent_mask | loan.mask) >> first == 0:
            break
        if (loan.lent_mask >> first) & 15 > 0:
            amounts: uint256 = self._lent[loan.loan_id][word]
            for j: uint256 in range(types.PER_WORD):
                if amounts == 0:
                    break
                measure.exposure = unsafe_add(
                    measure.exposure,
                    unsafe_mul(amounts & types.PART, prices[unsafe_add(first, j)]),
                )
                amounts >>= 64
        if (loan.mask >> first) & 15 > 0:
            amounts: uint256 = self._held[loan.loan_id][word]
            for j: uint256 in range(types.PER_WORD):
                if amounts == 0:
                    break
                held = unsafe_add(
                    held, unsafe_mul(amounts & types.PART, prices[unsafe_add(first, j)])
                )
                amounts >>= 64
    top: uint256 = unsafe_mul(measure.exposure, terms.numerator)
    measure.required = self._whole_value(top, terms.denominator)
    if terms.trigger > 0:
        bottom: uint256 = unsafe_mul(terms.denominator, 10000)
        measure.upper = unsafe_mul(top, unsafe_add(10000, terms.trigger)) // bottom
        measure.lower = self._whole_value(
            unsafe_mul(top, unsafe_sub(10000, terms.trigger)), bottom
        )
    else:
        measure.upper = top // terms.denominator
        measure.lower = measure.required
    measure.worth = convert(held, int256)
    if loan.advanced > 0:
        measure.worth -= convert(loan.advanced * prices[terms.priority[0]], int256)
    return measure


@internal
@pure
def _whole_value(numerator: uint256, denominator: uint256) -> uint256:
    return unsafe_add(numerator, unsafe_sub(denominator, 1)) // denominator


@internal
@pure
def _whole(amount: uint256, price: uint256, up: bool) -> uint256:
    """
    @dev Number of tokens that a value comes to; capped, so that nothing can overflow later.
    """
    number: uint256 = amount // price
    if up and amount % price > 0:
        number += 1
    return min(number, types.LIMIT - 1)


@internal
@pure
def _whole_back(amount: uint256, price: uint256, up: bool, spare: uint256) -> uint256:
    """
    @dev The same for a return: it rounds up by no more than `spare`, so that rounding never takes
         the last token of a small loan.
    """
    rest: uint256 = amount % price
    return self._whole(amount, price, up and (rest == 0 or price - rest <= spare))


# --- amounts ----------------------------------------------------------------------------------


@internal
@view
def _held_of(loan_id: uint256, token: uint256) -> uint256:
    return (self._held[loan_id][token // types.PER_WORD] >> 64 * (token % types.PER_WORD)) & types.PART


@internal
def _add_held(loan_id: uint256, token: uint256, amount: uint256):
    offset: uint256 = 64 * (token % types.PER_WORD)
    position: uint256 = token // types.PER_WORD
    word: uint256 = self._held[loan_id][position]
    assert ((word >> offset) & types.PART) + amount < types.LIMIT, "too large"
    self._held[loan_id][position] = unsafe_add(word, amount << offset)


@internal
def _take_held(loan_id: uint256, token: uint256, amount: uint256):
    """
    @dev Callers know that so many are held.
    """
    self._held[loan_id][token // types.PER_WORD] -= amount << 64 * (token % types.PER_WORD)


@internal
@view
def _lent_of(loan_id: uint256, token: uint256) -> uint256:
    return (self._lent[loan_id][token // types.PER_WORD] >> 64 * (token % types.PER_WORD)) & types.PART


@internal
@view
def _instructed_of(loan_id: uint256, token: uint256) -> uint256:
    return (
        self._instructed[loan_id][token // types.PER_WORD] >> 64 * (token % types.PER_WORD)
    ) & types.PART


@internal
def _add_instructed(loan_id: uint256, token: uint256, amount: uint256):
    """
    @dev Amounts are below 2**63, and on one call no more is instructed than it needs: of a sum of a
         few of them, none reaches into the next token.
    """
    self._instructed[loan_id][token // types.PER_WORD] += amount << 64 * (token % types.PER_WORD)


@internal
def _take_instructed(loan_id: uint256, word: uint256) -> uint256:
    """
    @dev Four amounts that are instructed, which are no longer.
    """
    amounts: uint256 = self._instructed[loan_id][word]
    if amounts > 0:
        self._instructed[loan_id][word] = 0
    return amounts


@internal
@view
def _under_way(loan: types.Loan, prices: uint256[types.MAX_TOKENS]) -> uint256:
    """
    @dev Value of a delivery that is instructed and has not settled.
    """
    worth: uint256 = 0
    if loan.instructed == types.CALL_DELIVERY:
        for token: uint256 in range(types.MAX_TOKENS):
            worth += self._instructed_of(loan.loan_id, token) * prices[token]
    return worth


# --- packed records -----------------------------------------------------------------------------


@internal
@view
def _terms(agreement: uint256) -> types.Terms:
    packed: uint256 = self._agreement[agreement]
    terms: types.Terms = empty(types.Terms)
    terms.numerator = packed & (2**20 - 1)
    terms.denominator = (packed >> 20) & (2**16 - 1)
    terms.cap = (packed >> 36) & (2**20 - 1)
    terms.notice = (packed >> 56) & (2**8 - 1)
    terms.trigger = (packed >> 64) & (2**16 - 1)
    terms.lag = (packed >> 80) & (2**8 - 1)
    terms.grace = (packed >> 88) & (2**16 - 1)
    terms.minimum = (packed >> 104) & (2**64 - 1)
    terms.delivery_up = (packed >> 176) & 1 == 1
    terms.return_up = (packed >> 177) & 1 == 1
    terms.issuance = (packed >> 178) & 1 == 1
    number: uint256 = (packed >> 168) & (2**8 - 1)
    packed >>= 184
    for j: uint256 in range(number, bound=types.MAX_TOKENS):
        terms.priority.append(packed & 15)
        packed >>= 4
    return terms


@internal
@view
def _first(agreement: uint256) -> uint256:
    """
    @dev The token of the first priority.
    """
    return (self._agreement[agreement] >> 184) & 15


@internal
@view
def _load(loan_id: uint256) -> types.Loan:
    loan: types.Loan = empty(types.Loan)
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
    loan.advanced = status >> 120
    return loan


@internal
def _save(loan: types.Loan):
    self._status[loan.loan_id] = (
        loan.state
        | loan.kind << 8
        | loan.marked << 16
        | loan.unmet_days << 48
        | loan.overdue_days << 64
        | loan.tried << 80
        | loan.instructed << 112
        | loan.advanced << 120
    )


@internal
def _set_maturity(loan: types.Loan, maturity: uint256, term: uint256):
    self._borrower[loan.loan_id] = (
        convert(loan.borrower, uint256) | maturity << 160 | term << 192
    )
