# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  What anybody can read of the loans
"""

import types
import book
import assets

uses: book
uses: assets


@external
@view
def tokens() -> DynArray[address, types.MAX_TOKENS]:
    return assets.TOKENS


@external
@view
def terms(agreement: uint256) -> types.Terms:
    return book._terms(agreement)


@external
@view
def loan(loan_id: uint256) -> types.Loan:
    return book._load(loan_id)


@external
@view
def measure(loan_id: uint256) -> types.Measure:
    """
    @notice Exposure, requirement and collateral value at the oracle's prices.
    """
    loan: types.Loan = book._load(loan_id)
    return book._measure(loan, book._terms(loan.agreement), assets._prices())


@external
@view
def lent(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._lent[loan_id][token])
    return amounts


@external
@view
def collateral(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    """
    @notice Tokens held for a loan; of an offer, those that it asks for.
    """
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._held[loan_id][token])
    return amounts


@external
@view
def instructed(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    """
    @notice Tokens that settle on the next day, in the direction that `loan` tells.
    """
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._instructed[loan_id][token])
    return amounts
