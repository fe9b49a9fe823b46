# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The end of a loan
"""

import types
import book
import assets

uses: book
uses: assets

event Settled:
    loan_id: indexed(uint256)

event Rolled:
    loan_id: indexed(uint256)
    maturity: uint256

event Overdue:
    loan_id: indexed(uint256)
    days: uint256

event Due:
    loan_id: indexed(uint256)
    maturity: uint256

event ToppedUp:
    loan_id: indexed(uint256)
    token: indexed(uint256)
    amount: uint256

interface Myself:
    def exchange(loan_id: uint256): nonpayable


@internal
def _settle_due(loan_id: uint256, house: bool) -> bool:
    """
    @dev Settle, roll or count as overdue a loan of a batch; says whether it settled or rolled.
    """
    loan: types.Loan = book._load(loan_id)
    reason: uint256 = 0
    if loan.state != types.OPEN:
        reason = types.NOT_OPEN
    elif not house and msg.sender not in [loan.lender, loan.borrower]:
        reason = types.NOT_YOURS
    elif loan.maturity > book._today():
        reason = types.NOT_DUE
    if reason > 0:
        log types.Skipped(loan_id=loan_id, reason=reason)
        return False
    if loan.term > 0:
        maturity: uint256 = book._today() + loan.term
        book._set_maturity(loan, maturity, loan.term)
        log Rolled(loan_id=loan_id, maturity=maturity)
        return True
    if not self._has_means(loan):
        # Before the day's end the borrower may still bring what it owes; a day counts once.
        if book._after_cutoff() and loan.tried < book._today():
            loan.overdue_days = min(loan.overdue_days + 1, 65535)
            loan.tried = book._today()
            book._save(loan)
            log Overdue(loan_id=loan_id, days=loan.overdue_days)
        return False
    done: bool = raw_call(
        self,
        abi_encode(loan_id, method_id=method_id("exchange(uint256)")),
        revert_on_failure=False,
    )
    if not done:
        log types.Skipped(loan_id=loan_id, reason=types.NOT_MOVED)
    return done


@internal
@view
def _has_means(loan: types.Loan) -> bool:
    """
    @dev Whether the borrower can return what was lent, and what the lender issued for it.
    """
    first: uint256 = book._first(loan.agreement)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        needed: uint256 = book._lent_of(loan.loan_id, token)
        if token == first:
            needed += loan.advanced
        if needed > 0:
            there: uint256 = assets._usable(token, loan.borrower)
            if there < needed:
                reach: uint256 = staticcall assets.Custodian(assets.CUSTODIAN).deposit(
                    loan.borrower, assets.TOKENS[token]
                )
                if needed - there > reach:
                    return False
    return True


@internal
def _exchange(loan_id: uint256):
    """
    @dev What was lent against the collateral, all of it or nothing. Whoever cannot receive its part
         finds it credited.
    """
    loan: types.Loan = book._load(loan_id)
    first: uint256 = book._first(loan.agreement)
    advanced: uint256 = loan.advanced
    self._cancel(loan)
    loan.state = types.SETTLED
    loan.advanced = 0
    loan.kind = types.NO_CALL
    loan.instructed = types.NO_CALL
    loan.unmet_days = 0
    loan.overdue_days = 0
    book._save(loan)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amount: uint256 = book._lent_of(loan_id, token)
        if amount > 0:
            there: uint256 = min(amount, assets._usable(token, loan.borrower))
            if there > 0 and not assets._pull(token, loan.borrower, loan.lender, there):
                assert assets._pull(token, loan.borrower, self, there), "not moved"
                assets._hand_over(token, loan.lender, there)
            if there < amount:
                self._issue_all(token, loan.borrower, amount - there)
                assets._hand_over(token, loan.lender, amount - there)
    if advanced > 0:
        there: uint256 = min(advanced, assets._usable(first, loan.borrower))
        if there > 0:
            assert assets._pull(first, loan.borrower, self, there), "not moved"
        if there < advanced:
            self._issue_all(first, loan.borrower, advanced - there)
        assets._restore(first, loan.lender, advanced)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.mask & (1 << token) > 0:
            held: uint256 = book._held_of(loan_id, token)
            if held > 0:
                book._take_held(loan_id, token, held)
                assets._hand_over(token, loan.borrower, held)
    log Settled(loan_id=loan_id)


@internal
def _issue_all(token: uint256, owner: address, amount: uint256):
    """
    @dev Have tokens issued to this contract, as many as asked for.
    """
    assert assets._issue(token, owner, self, amount) == amount, "beyond the deposit"


@internal
def _cancel(loan: types.Loan):
    """
    @dev Undo an instruction of a loan that ends: a delivery under way goes back to the borrower.
    """
    if loan.instructed == types.NO_CALL:
        return
    amounts: uint256 = 0
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if token % types.PER_WORD == 0:
            amounts = book._take_instructed(loan.loan_id, token // types.PER_WORD)
        if loan.instructed == types.CALL_DELIVERY:
            assets._hand_over(token, loan.borrower, amounts & types.PART)
        amounts >>= 64


@internal
def _finish(loan: types.Loan) -> uint256:
    """
    @dev At a default, a delivery under way has left the borrower's hands and is final: it reaches
         the collateral. A return that is only instructed is not made. Gives what the lender has
         issued then and is still owed.
    """
    advanced: uint256 = loan.advanced
    if loan.instructed == types.NO_CALL:
        return advanced
    first: uint256 = book._first(loan.agreement)
    amounts: uint256 = 0
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if token % types.PER_WORD == 0:
            amounts = book._take_instructed(loan.loan_id, token // types.PER_WORD)
        due: uint256 = amounts & types.PART
        amounts >>= 64
        if due == 0 or loan.instructed != types.CALL_DELIVERY:
            continue
        if token == first and advanced > 0:
            repaid: uint256 = min(due, advanced)
            assets._restore(token, loan.lender, repaid)
            advanced -= repaid
            due -= repaid
        if due > 0:
            book._add_held(loan.loan_id, token, due)
    return advanced


@internal
def _end_early(loan_id: uint256):
    """
    @dev Bring forward the day on which a loan is due; who may do that by itself depends on the loan.
    """
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert msg.sender in [loan.lender, loan.borrower], "not a party"
    today: uint256 = book._today()
    other: address = loan.lender if msg.sender == loan.borrower else loan.borrower
    maturity: uint256 = loan.maturity
    if book._consent[loan_id] == other:
        maturity = min(maturity, today)
    elif loan.maturity == types.NEVER:
        # Without an end, the borrower returns when it likes, the lender recalls with notice.
        maturity = today
        if msg.sender == loan.lender:
            maturity += book._terms(loan.agreement).notice
    elif loan.term == 0:
        assert book._consent[loan_id] == empty(address), "already agreed"
    book._consent[loan_id] = msg.sender
    # A loan that rolls ends with the term under way.
    book._set_maturity(loan, maturity, 0)
    log Due(loan_id=loan_id, maturity=maturity)


@internal
def _top_up(loan_id: uint256, token: uint256, amount: uint256):
    loan: types.Loan = book._load(loan_id)
    assert loan.state == types.OPEN, "not open"
    assert msg.sender == loan.borrower, "only the borrower"
    assert token < len(assets.TOKENS), "unknown token"
    assert loan.mask & (1 << token) > 0, "not eligible"
    assert 0 < amount and amount < types.LIMIT, "amount out of range"
    assert assets._pull(token, msg.sender, self, amount), "not moved"
    left: uint256 = amount
    if token == book._first(loan.agreement) and loan.advanced > 0:
        repaid: uint256 = min(amount, loan.advanced)
        assets._restore(token, loan.lender, repaid)
        loan.advanced -= repaid
        left -= repaid
        book._save(loan)
    book._add_held(loan_id, token, left)
    log ToppedUp(loan_id=loan_id, token=token, amount=amount)
