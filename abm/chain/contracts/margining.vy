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
    excess: int256
    moved: uint256
    issued: uint256

event Delivered:
    loan_id: indexed(uint256)
    excess: int256
    moved: uint256
    issued: uint256
    unmet: uint256

event DeliveredInPart:
    loan_id: indexed(uint256)
    moved: uint256

event InstructionSettled:
    loan_id: indexed(uint256)
    issued: uint256


@internal
@view
def _is_party_in_time(loan: types.Loan) -> bool:
    """
    @dev Parties may run the margin process of their own loans once the clearing house has had the
         day to do it.
    """
    return msg.sender in [loan.lender, loan.borrower] and book._after_cutoff()


@internal
def _skip(loan_id: uint256, reason: uint256) -> types.Outcome:
    log types.Skipped(loan_id=loan_id, reason=reason)
    outcome: types.Outcome = empty(types.Outcome)
    outcome.loan_id = loan_id
    outcome.kind = types.SKIPPED
    return outcome


@internal
def _mark(
    loan_id: uint256, prices: uint256[types.MAX_TOKENS], house: bool, delivers: bool
) -> types.Outcome:
    """
    @dev Value a loan's collateral, trigger its call, and make or instruct the return. A call for a
         delivery is left unsaved and unlogged where the delivery follows in the same transaction.
    """
    loan: types.Loan = book._load(loan_id)
    if loan.state != types.OPEN:
        return self._skip(loan_id, types.NOT_OPEN)
    if loan.marked >= book._today():
        return self._skip(loan_id, types.ALREADY_MARKED)
    if loan.instructed != types.NO_CALL:
        return self._skip(loan_id, types.INSTRUCTION_OPEN)
    # A party runs all of it or nothing: a call that nobody collects would be a way out.
    if not (house or (delivers and self._is_party_in_time(loan))):
        return self._skip(loan_id, types.NOT_YOURS)
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
        elif measure.worth > convert(measure.upper, int256) and excess > 0:
            loan.kind = types.CALL_RETURN
    outcome: types.Outcome = empty(types.Outcome)
    outcome.loan_id = loan_id
    outcome.kind = loan.kind
    outcome.excess = excess
    outcome.worth = measure.worth
    loan.marked = book._today()
    if loan.kind != types.CALL_DELIVERY:
        loan.unmet_days = 0
    if loan.kind != types.CALL_RETURN:
        if loan.kind != types.CALL_DELIVERY or not delivers:
            log Marked(loan_id=loan_id, kind=loan.kind, excess=excess)
            book._save(loan)
        return outcome

    loan.kind = types.NO_CALL
    left: int256 = excess
    spare: uint256 = measure.required // types.SMALL_LOAN
    for j: uint256 in range(len(terms.priority), bound=types.MAX_TOKENS):
        if left <= 0:
            break
        token: uint256 = terms.priority[len(terms.priority) - 1 - j]
        wanted: uint256 = book._whole_back(
            convert(left, uint256), prices[token], terms.return_up, spare
        )
        held: uint256 = book._held_of(loan_id, token)
        amount: uint256 = min(wanted, held)
        if amount > 0:
            if terms.lag > 0:
                book._add_instructed(loan_id, token, amount)
                loan.instructed = types.CALL_RETURN
            elif assets._push(token, loan.borrower, amount):
                book._take_held(loan_id, token, amount)
            else:
                # The borrower cannot receive it: the collateral stays where it is.
                log types.Skipped(loan_id=loan_id, reason=types.NOT_MOVED)
                left = 0
                break
            outcome.moved += amount * prices[token]
            outcome.transfers += 1
            left -= convert(amount * prices[token], int256)
        if amount < held:
            left = 0
    if terms.lag == 0:
        outcome.worth -= convert(outcome.moved, int256)
    if left > 0 and terms.issuance:
        if terms.cap < types.NO_CAP:
            left = min(left, convert(measure.exposure * terms.cap // 100, int256))
        first: uint256 = terms.priority[0]
        amount: uint256 = book._whole_back(
            convert(left, uint256), prices[first], terms.return_up, spare
        )
        if terms.lag > 0:
            if amount > 0:
                book._add_instructed(loan_id, first, amount)
                loan.instructed = types.CALL_RETURN
        else:
            amount = assets._issue(first, loan.lender, loan.borrower, amount)
            loan.advanced += amount
            outcome.issued = amount * prices[first]
        outcome.moved += amount * prices[first]
        if amount > 0:
            outcome.transfers += 1
    book._save(loan)
    log Returned(
        loan_id=loan_id,
        excess=excess,
        moved=outcome.moved,
        issued=outcome.issued,
    )
    return outcome


@internal
def _deliver(
    loan_id: uint256, prices: uint256[types.MAX_TOKENS], house: bool
) -> types.Outcome:
    """
    @dev Deliver on a call that `_mark` has made in an earlier transaction of the day.
    """
    loan: types.Loan = book._load(loan_id)
    if loan.state != types.OPEN:
        return self._skip(loan_id, types.NOT_OPEN)
    if loan.kind != types.CALL_DELIVERY or loan.marked != book._today():
        return self._skip(loan_id, types.NO_SUCH_CALL)
    if not (house or self._is_party_in_time(loan)):
        return self._skip(loan_id, types.NOT_YOURS)
    terms: types.Terms = book._terms(loan.agreement)
    measure: types.Measure = book._measure(loan, terms, prices)
    excess: int256 = measure.worth - convert(measure.required, int256)
    if loan.instructed != types.NO_CALL:
        # The borrower has brought a part of it.
        excess += convert(book._under_way(loan, prices), int256)
    return self._collect(loan, terms, prices, excess, measure.worth)


@internal
def _deliver_marked(
    marked: types.Outcome, prices: uint256[types.MAX_TOKENS]
) -> types.Outcome:
    """
    @dev Deliver on a call of the same transaction, whose measure still holds.
    """
    loan: types.Loan = book._load(marked.loan_id)
    today: uint256 = book._today()
    if loan.marked >= today:
        # It was in the batch before, and its delivery has been made.
        return self._skip(marked.loan_id, types.ALREADY_MARKED)
    loan.marked = today
    return self._collect(
        loan, book._terms(loan.agreement), prices, marked.excess, marked.worth
    )


@internal
def _collect(
    called: types.Loan,
    terms: types.Terms,
    prices: uint256[types.MAX_TOKENS],
    excess: int256,
    worth: int256,
) -> types.Outcome:
    """
    @dev Tokens of the wallet in the order of priority, then newly issued ones. What neither brings
         is the loan's unmet call; it stops nobody else's delivery.
    """
    loan: types.Loan = called
    outcome: types.Outcome = empty(types.Outcome)
    outcome.loan_id = loan.loan_id
    outcome.kind = types.CALL_DELIVERY
    outcome.excess = excess
    outcome.worth = worth
    missing: int256 = -excess
    brought: uint256[types.MAX_TOKENS] = empty(uint256[types.MAX_TOKENS])
    # The search ends with the first token that is not exhausted: the rest is rounding.
    full: bool = False
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        amount: uint256 = assets._usable(token, loan.borrower)
        if amount == 0:
            continue
        price: uint256 = prices[token]
        if convert(missing, uint256) <= amount * price:
            full = True
            amount = book._whole(convert(missing, uint256), price, terms.delivery_up)
        if amount > 0:
            if assets._pull(token, loan.borrower, self, amount):
                brought[token] = amount
                missing -= convert(amount * price, int256)
            else:
                full = False
    for token: uint256 in terms.priority:
        if missing <= 0 or full:
            break
        price: uint256 = prices[token]
        wanted: uint256 = book._whole(convert(missing, uint256), price, terms.delivery_up)
        amount: uint256 = 0
        if wanted > 0:
            amount = assets._issue(token, loan.borrower, self, wanted)
            issued: uint256 = amount * price
            brought[token] += amount
            missing -= convert(issued, int256)
            outcome.issued += issued
        if amount == wanted and missing > 0:
            full = staticcall assets.Custodian(assets.CUSTODIAN).deposit(
                loan.borrower, assets.TOKENS[token]
            ) > 0
    outcome.moved = convert(-excess - missing, uint256)
    for token: uint256 in terms.priority:
        amount: uint256 = brought[token]
        if amount > 0:
            outcome.transfers += 1
            if terms.lag > 0:
                book._add_instructed(loan.loan_id, token, amount)
                loan.instructed = types.CALL_DELIVERY
            else:
                if loan.advanced > 0 and token == terms.priority[0]:
                    repaid: uint256 = min(amount, loan.advanced)
                    assets._restore(token, loan.lender, repaid)
                    loan.advanced -= repaid
                    amount -= repaid
                if amount > 0:
                    book._add_held(loan.loan_id, token, amount)
    if terms.lag == 0:
        outcome.worth += convert(outcome.moved, int256)
    # Rounded down, a delivery leaves less than a token open, which is not an unmet call.
    if missing > 0 and not full:
        outcome.unmet = convert(missing, uint256)
        loan.unmet_days = min(loan.unmet_days + 1, 65535)
    else:
        loan.unmet_days = 0
    loan.kind = types.NO_CALL
    book._save(loan)
    log Delivered(
        loan_id=loan.loan_id,
        excess=excess,
        moved=outcome.moved,
        issued=outcome.issued,
        unmet=outcome.unmet,
    )
    return outcome


@internal
def _deliver_part(
    loan_id: uint256,
    held: DynArray[uint256, types.MAX_TOKENS],
    issued: DynArray[uint256, types.MAX_TOKENS],
):
    """
    @dev What the borrower itself brings on today's call, which stays open for the rest. It covers
         what is missing with no more than one token to spare, of whichever is rounded up: an
         instruction holds no more than a call.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert msg.sender == loan.borrower, "only the borrower"
    assert loan.kind == types.CALL_DELIVERY and loan.marked == book._today(), "not called today"
    assert len(held) == len(assets.TOKENS), "number of tokens"
    assert len(issued) == len(assets.TOKENS), "number of tokens"
    terms: types.Terms = book._terms(loan.agreement)
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    measure: types.Measure = book._measure(loan, terms, prices)
    worth: int256 = measure.worth + convert(book._under_way(loan, prices), int256)
    missing: int256 = convert(measure.required, int256) - worth
    moved: uint256 = 0
    dearest: uint256 = 0
    named: uint256 = 0
    for token: uint256 in range(len(held), bound=types.MAX_TOKENS):
        assert held[token] < types.LIMIT and issued[token] < types.LIMIT, "too large"
        amount: uint256 = held[token] + issued[token]
        if amount > 0:
            named |= 1 << token
            moved += amount * prices[token]
            dearest = max(dearest, prices[token])
    assert moved > 0, "nothing to move"
    assert convert(moved - dearest, int256) < missing, "beyond the call"
    for token: uint256 in terms.priority:
        amount: uint256 = held[token] + issued[token]
        if amount == 0:
            continue
        named ^= 1 << token
        if held[token] > 0:
            assert assets._pull(token, msg.sender, self, held[token]), "not moved"
        if issued[token] > 0:
            assert assets._issue(token, msg.sender, self, issued[token]) == issued[token], "not issued"
        if terms.lag > 0:
            book._add_instructed(loan_id, token, amount)
            loan.instructed = types.CALL_DELIVERY
            continue
        if token == terms.priority[0] and loan.advanced > 0:
            repaid: uint256 = min(amount, loan.advanced)
            assets._restore(token, loan.lender, repaid)
            loan.advanced -= repaid
            amount -= repaid
        if amount > 0:
            book._add_held(loan_id, token, amount)
    assert named == 0, "not eligible"
    book._save(loan)
    log DeliveredInPart(loan_id=loan_id, moved=moved)


@internal
def _settle_instruction(loan_id: uint256) -> uint256:
    """
    @dev Execute what was instructed on an earlier day; gives the tokens that the lender issued.
         Nothing about it is left to decide, so anybody may have it done.
    """
    loan: types.Loan = book._load(loan_id)
    reason: uint256 = 0
    if loan.state != types.OPEN:
        reason = types.NOT_OPEN
    elif loan.instructed == types.NO_CALL or loan.marked >= book._today():
        reason = types.NOT_DUE
    if reason > 0:
        log types.Skipped(loan_id=loan_id, reason=reason)
        return 0
    first: uint256 = book._first(loan.agreement)
    issued: uint256 = 0
    amounts: uint256 = 0
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if token % types.PER_WORD == 0:
            amounts = book._take_instructed(loan_id, token // types.PER_WORD)
        due: uint256 = amounts & types.PART
        amounts >>= 64
        if due == 0:
            continue
        if loan.instructed == types.CALL_RETURN:
            held: uint256 = book._held_of(loan_id, token)
            here: uint256 = min(due, held)
            if here > 0:
                if assets._push(token, loan.borrower, here):
                    book._take_held(loan_id, token, here)
                else:
                    log types.Skipped(loan_id=loan_id, reason=types.NOT_MOVED)
            if due > held and token == first and book._terms(loan.agreement).issuance:
                issued = assets._issue(token, loan.lender, loan.borrower, due - held)
                loan.advanced += issued
        else:
            if token == first and loan.advanced > 0:
                repaid: uint256 = min(due, loan.advanced)
                assets._restore(token, loan.lender, repaid)
                loan.advanced -= repaid
                due -= repaid
            if due > 0:
                book._add_held(loan_id, token, due)
    loan.instructed = types.NO_CALL
    book._save(loan)
    log InstructionSettled(loan_id=loan_id, issued=issued)
    return issued
