# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  The custodian
@notice Holds the assets behind the tokens. It records what a participant has deposited, and
        against that issues tokens: to the participant itself, or through the lending contract when
        a margin call or a return needs more than a wallet holds. Redeemed tokens are burned.
"""

interface Token:
    def mint(receiver: address, amount: uint256): nonpayable
    def burn(owner: address, amount: uint256): nonpayable

event Registered:
    token: indexed(address)

event Authorised:
    lending: indexed(address)

event Deposited:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

event Issued:
    owner: indexed(address)
    token: indexed(address)
    receiver: address
    amount: uint256

event Redeemed:
    owner: indexed(address)
    token: indexed(address)
    amount: uint256

# A deposit of this size never runs out, like an allowance of this size in ERC-20.
UNLIMITED: constant(uint256) = max_value(uint256)
LIMIT: constant(uint256) = 2**63

OPERATOR: public(immutable(address))
lending: public(address)
registered: public(HashMap[address, bool])
deposit: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(operator: address):
    assert operator != empty(address), "zero address"
    OPERATOR = operator


@external
def register(token: address):
    """
    @notice Take a token into custody: from now on it can be issued and redeemed here.
    """
    assert msg.sender == OPERATOR, "only the operator"
    assert token != empty(address), "zero address"
    assert not self.registered[token], "already registered"
    self.registered[token] = True
    log Registered(token=token)


@external
def authorise(lending: address):
    """
    @notice Name, once and for all, the lending contract that may have tokens issued.
    """
    assert msg.sender == OPERATOR, "only the operator"
    assert lending != empty(address), "zero address"
    assert self.lending == empty(address), "already authorised"
    self.lending = lending
    log Authorised(lending=lending)


@external
def record_deposit(owner: address, token: address, amount: uint256):
    """
    @notice Record assets that came in: so many more tokens can be issued against them.
    """
    assert msg.sender == OPERATOR, "only the operator"
    assert owner != empty(address), "zero address"
    assert self.registered[token], "unknown token"
    assert amount > 0, "zero amount"
    held: uint256 = self.deposit[owner][token]
    assert held < UNLIMITED, "already unlimited"
    if amount < UNLIMITED:
        assert amount < LIMIT and held + amount < LIMIT, "too large"
        self.deposit[owner][token] = held + amount
    else:
        self.deposit[owner][token] = UNLIMITED
    log Deposited(owner=owner, token=token, amount=amount)


@external
def mint(token: address, amount: uint256):
    """
    @notice Issue tokens to the caller against its own deposit.
    """
    assert amount > 0, "zero amount"
    assert amount < LIMIT, "too large"
    assert amount <= self.deposit[msg.sender][token], "beyond the deposit"
    self._issue(msg.sender, token, msg.sender, amount)


@external
def mint_up_to(owner: address, token: address, receiver: address, amount: uint256) -> uint256:
    """
    @notice Issue what a participant's deposit allows of an amount; only for the lending contract.
    @return How many tokens were issued.
    """
    assert msg.sender == self.lending, "only the lending contract"
    issued: uint256 = min(amount, self.deposit[owner][token])
    if issued > 0:
        self._issue(owner, token, receiver, issued)
    return issued


@external
def redeem(token: address, amount: uint256):
    """
    @notice Burn tokens of the caller, who receives the assets behind them.
    """
    assert self.registered[token], "unknown token"
    assert amount > 0, "zero amount"
    extcall Token(token).burn(msg.sender, amount)
    log Redeemed(owner=msg.sender, token=token, amount=amount)


@internal
def _issue(owner: address, token: address, receiver: address, amount: uint256):
    held: uint256 = self.deposit[owner][token]
    if held < UNLIMITED:
        self.deposit[owner][token] = held - amount
    extcall Token(token).mint(receiver, amount)
    log Issued(owner=owner, token=token, receiver=receiver, amount=amount)
