# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  Tokens, their custodian and their prices
@dev    Every movement that somebody else's token, wallet or permission could stop says whether it
        was made, instead of reverting: so one party stops no batch.
"""

import types
import book

uses: book

interface Token:
    def spendable(owner: address, spender: address) -> uint256: view

interface Custodian:
    def deposit(owner: address, token: address) -> uint256: view

interface Oracle:
    def packed() -> uint256[types.WORDS]: view
    def TOKENS() -> uint256: view

event Credited:
    owner: indexed(address)
    token: indexed(uint256)
    amount: uint256

CUSTODIAN: public(immutable(address))
ORACLE: public(immutable(address))
TOKENS: immutable(DynArray[address, types.MAX_TOKENS])


@deploy
def __init__(custodian: address, oracle: address, tokens: DynArray[address, types.MAX_TOKENS]):
    assert empty(address) not in [custodian, oracle], "zero address"
    assert len(tokens) > 1, "number of tokens"
    assert staticcall Oracle(oracle).TOKENS() == len(tokens) - 1, "number of prices"
    CUSTODIAN = custodian
    ORACLE = oracle
    TOKENS = tokens


@internal
@view
def _usable(token: uint256, owner: address) -> uint256:
    """
    @dev What the contract can take from a wallet: unfrozen, permitted and allowed.
    """
    return staticcall Token(TOKENS[token]).spendable(owner, self)


@internal
def _pull(token: uint256, owner: address, receiver: address, amount: uint256) -> bool:
    done: bool = False
    said: Bytes[32] = b""
    done, said = raw_call(
        TOKENS[token],
        abi_encode(
            owner,
            receiver,
            amount,
            method_id=method_id("transferFrom(address,address,uint256)"),
        ),
        max_outsize=32,
        revert_on_failure=False,
    )
    return done and len(said) == 32 and convert(said, uint256) == 1


@internal
def _push(token: uint256, receiver: address, amount: uint256) -> bool:
    done: bool = False
    said: Bytes[32] = b""
    done, said = raw_call(
        TOKENS[token],
        abi_encode(receiver, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        revert_on_failure=False,
    )
    return done and len(said) == 32 and convert(said, uint256) == 1


@internal
def _hand_over(token: uint256, receiver: address, amount: uint256):
    """
    @dev Give tokens to their owner, or keep them for it until it can take them.
    """
    if amount > 0 and not self._push(token, receiver, amount):
        book._credit[receiver][token] += amount
        log Credited(owner=receiver, token=token, amount=amount)


@internal
def _issue(token: uint256, owner: address, receiver: address, amount: uint256) -> uint256:
    """
    @dev Have tokens issued against an owner's deposit; gives how many were.
    """
    done: bool = False
    said: Bytes[32] = b""
    done, said = raw_call(
        CUSTODIAN,
        abi_encode(
            owner,
            TOKENS[token],
            receiver,
            amount,
            method_id=method_id("mint_up_to(address,address,address,uint256)"),
        ),
        max_outsize=32,
        revert_on_failure=False,
    )
    if not done or len(said) != 32:
        return 0
    return convert(said, uint256)


@internal
def _restore(token: uint256, owner: address, amount: uint256):
    """
    @dev Redeem tokens that make good what a lender had issued, and give it back its deposit.
    """
    if amount > 0:
        raw_call(
            CUSTODIAN,
            abi_encode(
                owner,
                TOKENS[token],
                amount,
                method_id=method_id("restore(address,address,uint256)"),
            ),
        )


@internal
@view
def _prices() -> uint256[types.MAX_TOKENS]:
    """
    @dev Prices of all tokens, with that of cash behind the last security.
    """
    words: uint256[types.WORDS] = staticcall Oracle(ORACLE).packed()
    prices: uint256[types.MAX_TOKENS] = empty(uint256[types.MAX_TOKENS])
    word: uint256 = 0
    for token: uint256 in range(len(TOKENS) - 1, bound=types.MAX_TOKENS):
        if token % types.PER_WORD == 0:
            word = words[token // types.PER_WORD]
        prices[token] = word & types.PART
        word >>= 64
    prices[len(TOKENS) - 1] = 1
    return prices
