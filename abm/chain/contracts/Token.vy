# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  A security or cash as a token
@notice ERC-20 whose only minter is the custodian that holds the asset behind it. One token is one
        share, or one of the smallest unit of money: there are no decimals.
"""

from ethereum.ercs import IERC20

implements: IERC20

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    amount: uint256

CUSTODIAN: public(immutable(address))
name: public(immutable(String[64]))
symbol: public(immutable(String[64]))

decimals: public(constant(uint8)) = 0

# Two counters instead of one supply: how much was ever issued and redeemed is part of the record.
minted: public(uint256)
burned: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(label: String[64], custodian: address):
    assert custodian != empty(address), "zero address"
    name = label
    symbol = label
    CUSTODIAN = custodian


@external
@view
def totalSupply() -> uint256:
    return self.minted - self.burned


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[owner][msg.sender]
    assert allowed >= amount, "allowance too low"
    if allowed < max_value(uint256):
        self.allowance[owner][msg.sender] = allowed - amount
    self._move(owner, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, amount=amount)
    return True


@external
def mint(receiver: address, amount: uint256):
    assert msg.sender == CUSTODIAN, "only the custodian"
    assert receiver != empty(address), "zero address"
    # The sum of all balances is `minted - burned`, so no balance can overflow either.
    assert amount <= max_value(uint256) - self.minted, "too large"
    self.minted += amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=empty(address), receiver=receiver, amount=amount)


@external
def burn(owner: address, amount: uint256):
    assert msg.sender == CUSTODIAN, "only the custodian"
    assert self.balanceOf[owner] >= amount, "balance too low"
    self.burned += amount
    self.balanceOf[owner] -= amount
    log Transfer(sender=owner, receiver=empty(address), amount=amount)


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert receiver != empty(address), "zero address"
    assert self.balanceOf[owner] >= amount, "balance too low"
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=owner, receiver=receiver, amount=amount)
