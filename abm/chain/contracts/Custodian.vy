# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  The custodian
@notice Holds the assets behind the tokens. It records what a participant has deposited, and
        against that issues tokens: to the participant itself, or through the lending contract when
        a margin call or a return needs more than a wallet holds. Redeemed tokens are burned.
        What is on deposit and in circulation never exceeds what it has been told to hold.
"""

import roles

initializes: roles

exports: (roles.admin, roles.operator, roles.guardian, roles.offer_role, roles.take_role)

interface Token:
    def mint(receiver: address, amount: uint256): nonpayable
    def burn(owner: address, amount: uint256): nonpayable

event Registered:
    token: indexed(address)
    limit: uint256

event Authorised:
    lending: indexed(address)

event Deposited:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

event Issued:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

event Restored:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

event Redeemed:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

LIMIT: constant(uint256) = 2**63

lending: public(address)
# How many of a token there can be, on deposit and in circulation; 0 for one not in custody.
limit: public(HashMap[address, uint256])
# How many there are: the sum of all deposits and of the token's supply.
backed: public(HashMap[address, uint256])
deposit: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(admin: address, operator: address, guardian: address):
    roles._set_up(admin, operator, guardian)


@external
def set_limit(token: address, limit: uint256):
    """
    @notice Take a token into custody, or change how many of it there can be: its shares in custody
            as an auditor has counted them. The guardian's word, not that of who records deposits.
    """
    assert msg.sender == roles._holder(roles.GUARDIAN), "only the guardian"
    assert token != empty(address), "zero address"
    assert limit > 0 and limit < 2**95, "limit out of range"
    assert limit >= self.backed[token], "more in custody"
    self.limit[token] = limit
    log Registered(token=token, limit=limit)


@external
def authorise(lending: address):
    """
    @notice Name, once and for all, the lending contract that may have tokens issued.
    """
    assert msg.sender == roles._holder(roles.ADMIN), "only the administrator"
    assert lending != empty(address), "zero address"
    assert self.lending == empty(address), "already authorised"
    self.lending = lending
    log Authorised(lending=lending)


@external
def record_deposit(owner: address, token: address, amount: uint256):
    """
    @notice Record assets that came in: so many more tokens can be issued against them.
    """
    self._only_operator()
    assert owner != empty(address), "zero address"
    limit: uint256 = self.limit[token]
    assert limit > 0, "unknown token"
    assert amount > 0, "zero amount"
    assert amount < LIMIT, "too large"
    assert self.backed[token] + amount <= limit, "beyond the custody"
    self.backed[token] += amount
    self.deposit[owner][token] += amount
    log Deposited(owner=owner, token=token, amount=amount)


@external
def take_out(owner: address, token: address, amount: uint256):
    """
    @notice Record assets that were given back out of a deposit, or that had not come in.
    """
    self._only_operator()
    assert amount > 0, "zero amount"
    assert amount <= self.deposit[owner][token], "beyond the deposit"
    self.deposit[owner][token] -= amount
    self.backed[token] -= amount
    log Redeemed(owner=owner, token=token, amount=amount)


@external
def mint(token: address, amount: uint256):
    """
    @notice Issue tokens to the caller against its own deposit.
    """
    assert amount > 0, "zero amount"
    assert amount < LIMIT, "too large"
    held: uint256 = self.deposit[msg.sender][token]
    assert amount <= held, "beyond the deposit"
    self._issue(msg.sender, token, msg.sender, amount, held)


@external
def mint_up_to(owner: address, token: address, receiver: address, amount: uint256) -> uint256:
    """
    @notice Issue what a participant's deposit allows of an amount; only for the lending contract.
    @return How many tokens were issued.
    """
    assert msg.sender == self.lending, "only the lending contract"
    held: uint256 = self.deposit[owner][token]
    issued: uint256 = min(amount, held)
    if issued > 0:
        self._issue(owner, token, receiver, issued, held)
    return issued


@external
def restore(owner: address, token: address, amount: uint256):
    """
    @notice Burn tokens of the lending contract that make good what an owner had issued; they are
            on its deposit again.
    """
    assert msg.sender == self.lending, "only the lending contract"
    self.deposit[owner][token] += amount
    extcall Token(token).burn(msg.sender, amount)
    log Restored(owner=owner, token=token, amount=amount)


@external
def redeem(token: address, amount: uint256):
    """
    @notice Burn tokens of the caller, who receives the assets behind them.
    """
    assert self.limit[token] > 0, "unknown token"
    assert amount > 0, "zero amount"
    self.backed[token] -= amount
    extcall Token(token).burn(msg.sender, amount)
    log Redeemed(owner=msg.sender, token=token, amount=amount)


@internal
def _issue(owner: address, token: address, receiver: address, amount: uint256, held: uint256):
    """
    @dev Issue an amount no larger than what the owner has `held` on deposit.
    """
    self.deposit[owner][token] = unsafe_sub(held, amount)
    extcall Token(token).mint(receiver, amount)
    log Issued(owner=owner, token=token, amount=amount)


@internal
@view
def _only_operator():
    assert msg.sender == roles._holder(roles.OPERATOR), "only the operator"
