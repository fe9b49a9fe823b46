# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  Tokens, their custodian and their prices
"""

from ethereum.ercs import IERC20

import types

interface Custodian:
    def mint_up_to(
        owner: address, token: address, receiver: address, amount: uint256
    ) -> uint256: nonpayable
    def redeem(token: address, amount: uint256): nonpayable
    def deposit(owner: address, token: address) -> uint256: view

interface Oracle:
    def prices() -> DynArray[uint256, types.MAX_TOKENS]: view

CUSTODIAN: public(immutable(address))
ORACLE: public(immutable(address))
TOKENS: immutable(DynArray[address, types.MAX_TOKENS])


@deploy
def __init__(custodian: address, oracle: address, tokens: DynArray[address, types.MAX_TOKENS]):
    assert empty(address) not in [custodian, oracle], "zero address"
    assert len(tokens) > 1, "number of tokens"
    CUSTODIAN = custodian
    ORACLE = oracle
    TOKENS = tokens


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
        issued: uint256 = self._issue(token, owner, receiver, amount - there)
        assert issued == amount - there, "beyond the deposit"


@internal
def _repay(token: uint256, amount: uint256):
    """
    @dev Redeem tokens that make good what a lender had issued.
    """
    if amount > 0:
        extcall Custodian(CUSTODIAN).redeem(TOKENS[token], amount)


@internal
@view
def _prices() -> DynArray[uint256, types.MAX_TOKENS]:
    prices: DynArray[uint256, types.MAX_TOKENS] = staticcall Oracle(ORACLE).prices()
    assert len(prices) == len(TOKENS) - 1, "number of prices"
    prices.append(1)
    return prices
