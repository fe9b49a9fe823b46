# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The end of a loan at its maturity
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


@internal
def _settle(opened: types.Loan) -> bool:
    """
    @dev Exchange what was lent for the collateral; a borrower without the means is overdue.
    """
    loan: types.Loan = opened
    first: uint256 = book._terms(loan.agreement).priority[0]
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        needed: uint256 = 0
        if loan.lent_mask & (1 << token) > 0:
            needed = book._lent[loan.loan_id][token]
        if token == first:
            needed += loan.advanced
        if needed > 0:
            there: uint256 = assets._usable(token, loan.borrower)
            reach: uint256 = max_value(uint256)
            if there < needed:
                reach = staticcall assets.Custodian(assets.CUSTODIAN).deposit(
                    loan.borrower, assets.TOKENS[token]
                )
            if there < needed and needed - there > reach:
                loan.overdue_days = min(loan.overdue_days + 1, 65535)
                loan.tried = book._today()
                book._save(loan)
                log Overdue(loan_id=loan.loan_id, days=loan.overdue_days)
                return False
    advanced: uint256 = loan.advanced
    loan.state = types.SETTLED
    loan.advanced = 0
    loan.kind = types.NO_CALL
    loan.unmet_days = 0
    loan.overdue_days = 0
    book._save(loan)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.lent_mask & (1 << token) > 0:
            assets._collect(token, loan.borrower, loan.lender, book._lent[loan.loan_id][token])
    if advanced > 0:
        assets._collect(first, loan.borrower, self, advanced)
        assets._repay(first, advanced)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        if loan.mask & (1 << token) > 0:
            held: uint256 = book._held[loan.loan_id][token]
            if held > 0:
                book._held[loan.loan_id][token] = 0
                assets._push(token, loan.borrower, held)
    log Settled(loan_id=loan.loan_id)
    return True
