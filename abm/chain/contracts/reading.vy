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
def coverage(loan_id: uint256) -> int256:
    """
    @notice Collateral value, with what is under way, less what is required; at the oracle's prices.
    """
    loan: types.Loan = book._load(loan_id)
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    found: types.Measure = book._measure(loan, book._terms(loan.agreement), prices)
    covered: int256 = found.worth - convert(found.required, int256)
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        under_way: int256 = convert(book._instructed_of(loan_id, token) * prices[token], int256)
        covered += under_way if loan.instructed == types.CALL_DELIVERY else -under_way
    return covered


@external
@view
def lent(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._lent_of(loan_id, token))
    return amounts


@external
@view
def collateral(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    """
    @notice Tokens held for a loan; of an offer, those that it asks for.
    """
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._held_of(loan_id, token))
    return amounts


@external
@view
def instructed(loan_id: uint256) -> DynArray[uint256, types.MAX_TOKENS]:
    """
    @notice Tokens that settle on the next day, in the direction that `loan` tells.
    """
    amounts: DynArray[uint256, types.MAX_TOKENS] = []
    for token: uint256 in range(len(assets.TOKENS), bound=types.MAX_TOKENS):
        amounts.append(book._instructed_of(loan_id, token))
    return amounts


@external
@view
def credit(owner: address, token: uint256) -> uint256:
    """
    @notice Tokens that are kept for their owner, who could not receive them.
    """
    return book._credit[owner][token]
