# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The loan book: agreements and loans, and what they require
@dev    Terms, parties and status are packed, for storage is what costs gas; `_terms`, `_load` and
        `_save` know the layout.
"""

import types

event AgreementRegistered:
    agreement: indexed(uint256)
    packed: uint256

agreements: public(uint256)
loans: public(uint256)

_agreement: HashMap[uint256, uint256]
_lender: HashMap[uint256, uint256]
_borrower: HashMap[uint256, uint256]
_status: HashMap[uint256, uint256]
_lent: HashMap[uint256, HashMap[uint256, uint256]]
_held: HashMap[uint256, HashMap[uint256, uint256]]
_instructed: HashMap[uint256, HashMap[uint256, uint256]]


@internal
def _register(
    tokens: uint256,
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
    assert haircut < 10000 and margin <= 1000000, "margin out of range"
    assert haircut == 0 or margin == 0, "haircut and margin"
    assert trigger < 10000, "trigger out of range"
    assert minimum < types.LIMIT, "too large"
    assert lag <= 1, "lag out of range"
    assert grace < 65536, "grace out of range"
    assert len(priority) > 0 and len(priority) <= tokens, "number of tokens"
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
def _measure(
    loan: types.Loan, terms: types.Terms, prices: DynArray[uint256, types.MAX_TOKENS]
) -> types.Measure:
    """
    @dev Required collateral value and trigger band, from the exposure, and the collateral's value.
    """
    measure: types.Measure = empty(types.Measure)
    held: uint256 = 0
    for token: uint256 in range(len(prices), bound=types.MAX_TOKENS):
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
    return min(number, types.LIMIT - 1)


@internal
@view
def _terms(agreement: uint256) -> types.Terms:
    packed: uint256 = self._agreement[agreement]
    terms: types.Terms = empty(types.Terms)
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
    for j: uint256 in range(number, bound=types.MAX_TOKENS):
        terms.priority.append((packed >> (184 + 4 * j)) & 15)
    return terms


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
    loan.instructed_mask = (status >> 120) & (2**16 - 1)
    loan.advanced = status >> 136
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
        | loan.instructed_mask << 120
        | loan.advanced << 136
    )
