# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The margin run of one loan
"""

import types
import book
import assets

uses: book
uses: assets

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


@internal
def _mark(loan_id: uint256, prices: DynArray[uint256, types.MAX_TOKENS]) -> types.Outcome:
    """
    @dev Value a loan's collateral, trigger its call, and make or instruct the return.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert loan.marked < book._today(), "already marked today"
    assert loan.instructed == types.NO_CALL, "instruction not settled"
    terms: types.Terms = book._terms(loan.agreement)
    measure: types.Measure = book._measure(loan, terms, prices)
    excess: int256 = measure.worth - convert(measure.required, int256)
    loan.kind = types.NO_CALL
    if convert(abs(excess), uint256) >= terms.minimum:
        if terms.trigger == 0:
            loan.kind = types.CALL_NOTHING
            if excess != 0:
                loan.kind = types.CALL_DELIVERY if excess < 0 else types.CALL_RETURN
        elif measure.worth < convert(measure.lower, int256) or (loan.unmet_days > 0 and excess < 0):
            loan.kind = types.CALL_DELIVERY
        elif measure.worth > convert(measure.upper, int256):
            loan.kind = types.CALL_RETURN
    outcome: types.Outcome = empty(types.Outcome)
    outcome.loan_id = loan_id
    outcome.kind = loan.kind
    outcome.excess = excess
    outcome.worth = measure.worth
    loan.marked = book._today()
    if loan.kind != types.CALL_DELIVERY:
        loan.unmet_days = 0
    log Marked(loan_id=loan_id, kind=loan.kind, excess=excess)
    if loan.kind != types.CALL_RETURN:
        book._save(loan)
        return outcome

    loan.kind = types.NO_CALL
    left: int256 = excess
    for j: uint256 in range(len(terms.priority), bound=types.MAX_TOKENS):
        if left <= 0:
            break
        token: uint256 = terms.priority[len(terms.priority) - 1 - j]
        wanted: uint256 = book._whole(convert(left, uint256), prices[token], terms.return_up)
        held: uint256 = book._held[loan_id][token]
        amount: uint256 = min(wanted, held)
        if amount > 0:
            if terms.lag > 0:
                book._instructed[loan_id][token] = amount
                loan.instructed_mask |= 1 << token
            else:
                book._held[loan_id][token] = held - amount
                assets._push(token, loan.borrower, amount)
            outcome.moved += amount * prices[token]
            outcome.transfers += 1
            left -= convert(amount * prices[token], int256)
        if amount < held:
            left = 0
    if terms.lag == 0:
        outcome.worth -= convert(outcome.moved, int256)
    if left > 0 and terms.issuance:
        first: uint256 = terms.priority[0]
        amount: uint256 = book._whole(convert(left, uint256), prices[first], terms.return_up)
        if terms.lag > 0:
            book._instructed[loan_id][first] += amount
            loan.instructed_mask |= 1 << first
        else:
            amount = assets._issue(first, loan.lender, loan.borrower, amount)
            loan.advanced += amount
            outcome.issued = amount * prices[first]
        outcome.moved += amount * prices[first]
        if amount > 0:
            outcome.transfers += 1
    if loan.instructed_mask > 0:
        loan.instructed = types.CALL_RETURN
    book._save(loan)
    log Returned(loan_id=loan_id, moved=outcome.moved, issued=outcome.issued)
    return outcome


@internal
def _deliver(loan_id: uint256, prices: DynArray[uint256, types.MAX_TOKENS]) -> types.Outcome:
    """
    @dev Deliver on a call: tokens of the wallet in the order of priority, then newly issued ones.
         What neither brings is the loan's unmet call; it stops nobody else's delivery.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert loan.kind == types.CALL_DELIVERY and loan.marked == book._today(), "no call"
    terms: types.Terms = book._terms(loan.agreement)
    measure: types.Measure = book._measure(loan, terms, prices)
    outcome: types.Outcome = empty(types.Outcome)
    outcome.loan_id = loan_id
    outcome.kind = types.CALL_DELIVERY
    outcome.excess = measure.worth - convert(measure.required, int256)
    outcome.worth = measure.worth
    missing: int256 = -outcome.excess
    brought: uint256[types.MAX_TOKENS] = empty(uint256[types.MAX_TOKENS])
    full: bool = False
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        wanted: uint256 = book._whole(convert(missing, uint256), prices[token], terms.delivery_up)
        amount: uint256 = min(wanted, assets._usable(token, loan.borrower))
        if amount > 0:
            assets._pull(token, loan.borrower, self, amount)
            brought[token] = amount
            missing -= convert(amount * prices[token], int256)
        full = amount == wanted
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        wanted: uint256 = book._whole(convert(missing, uint256), prices[token], terms.delivery_up)
        amount: uint256 = 0
        if wanted > 0:
            amount = assets._issue(token, loan.borrower, self, wanted)
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
                book._instructed[loan_id][token] = amount
                loan.instructed_mask |= 1 << token
                loan.instructed = types.CALL_DELIVERY
            else:
                if token == terms.priority[0]:
                    repaid: uint256 = min(amount, loan.advanced)
                    assets._repay(token, repaid)
                    loan.advanced -= repaid
                    amount -= repaid
                if amount > 0:
                    book._held[loan_id][token] += amount
    if terms.lag == 0:
        outcome.worth += convert(outcome.moved, int256)
    # Rounded down, a delivery leaves less than a token open, which is not an unmet call.
    if missing > 0 and (terms.delivery_up or convert(missing, uint256) >= dearest):
        outcome.unmet = convert(missing, uint256)
        loan.unmet_days = min(loan.unmet_days + 1, 65535)
    else:
        loan.unmet_days = 0
    loan.kind = types.NO_CALL
    book._save(loan)
    log Delivered(loan_id=loan_id, moved=outcome.moved, issued=outcome.issued, unmet=outcome.unmet)
    return outcome


@internal
def _settle_instruction(loan_id: uint256) -> uint256:
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert loan.instructed != types.NO_CALL, "no instruction"
    assert loan.marked < book._today(), "not due"
    terms: types.Terms = book._terms(loan.agreement)
    first: uint256 = terms.priority[0]
    issued: uint256 = 0
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.instructed_mask & (1 << token) == 0:
            continue
        due: uint256 = book._instructed[loan_id][token]
        book._instructed[loan_id][token] = 0
        held: uint256 = book._held[loan_id][token]
        if loan.instructed == types.CALL_RETURN:
            here: uint256 = min(due, held)
            if here > 0:
                book._held[loan_id][token] = held - here
                assets._push(token, loan.borrower, here)
            if due > held and token == first and terms.issuance:
                issued = assets._issue(token, loan.lender, loan.borrower, due - held)
                loan.advanced += issued
        else:
            if token == first:
                repaid: uint256 = min(due, loan.advanced)
                assets._repay(token, repaid)
                loan.advanced -= repaid
                due -= repaid
            if due > 0:
                book._held[loan_id][token] = held + due
    loan.instructed = types.NO_CALL
    loan.instructed_mask = 0
    book._save(loan)
    log InstructionSettled(loan_id=loan_id, issued=issued)
    return issued
