# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  A security or cash as a token
@notice ERC-20 whose only minter is the custodian that holds the asset behind it, with the powers
        that issuers of securities must have after ERC-7943: freezing, forced transfer, and a list
        of the accounts that may hold it. One token is one share, or one of the smallest unit of
        money: there are no decimals. Allowances can be signed (ERC-2612).
@dev    An account is one storage slot: balance, frozen tokens, permissions, and what the collector
        (the first pool that is named) may take, which it then need not look up elsewhere.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC165

import roles

implements: IERC20
implements: IERC165
initializes: roles

exports: (roles.admin, roles.operator, roles.guardian, roles.offer_role, roles.take_role)

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    amount: uint256

event ForcedTransfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Frozen:
    account: indexed(address)
    amount: uint256

event Permitted:
    account: indexed(address)
    permitted: bool

event PoolNamed:
    account: indexed(address)

PART: constant(uint256) = 2**96 - 1
PERMITTED: constant(uint256) = 1 << 192
POOL: constant(uint256) = 1 << 193
COLLECTOR: constant(uint256) = 1 << 194
# Above it, one more than what the collector is allowed; 0 where `_allowance` says it: for amounts
# from `LARGE` on, and what was allowed before the collector was named.
ALLOWED: constant(uint256) = 195
LARGE: constant(uint256) = 2**61 - 1
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPE: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
HIGHEST_S: constant(uint256) = (
    57896044618658097711785492504343953926418782139537452191302581570759080747168
)
# Interfaces that are supported: ERC-165 and ERC-7943 (fungible).
INTERFACES: constant(bytes4[2]) = [0x01ffc9a7, 0x3edbb4c4]

CUSTODIAN: public(immutable(address))
# Whether only permitted accounts may send and receive.
RESTRICTED: public(immutable(bool))
name: public(immutable(String[64]))
symbol: public(immutable(String[64]))

decimals: public(constant(uint8)) = 0

# Two counters instead of one supply: how much was ever issued and redeemed is part of the record.
minted: public(uint256)
burned: public(uint256)
_account: HashMap[address, uint256]
_allowance: HashMap[address, HashMap[address, uint256]]
collector: public(address)
nonces: public(HashMap[address, uint256])


@deploy
def __init__(
    label: String[64],
    custodian: address,
    admin: address,
    enforcer: address,
    guardian: address,
    restricted: bool,
):
    """
    @param enforcer The operator of this contract: it freezes, permits and enforces transfers.
    """
    assert custodian != empty(address), "zero address"
    roles._set_up(admin, enforcer, guardian)
    name = label
    symbol = label
    CUSTODIAN = custodian
    RESTRICTED = restricted


# --- what anybody can read --------------------------------------------------------------------


@external
@view
def totalSupply() -> uint256:
    return self.minted - self.burned


@external
@view
def balanceOf(account: address) -> uint256:
    return self._account[account] & PART


@external
@view
def getFrozenTokens(account: address) -> uint256:
    return (self._account[account] >> 96) & PART


@external
@view
def canSend(account: address) -> bool:
    return self._may(self._account[account])


@external
@view
def canReceive(account: address) -> bool:
    return account != empty(address) and self._may(self._account[account])


@external
@view
def canTransfer(sender: address, receiver: address, amount: uint256) -> bool:
    record: uint256 = self._account[sender]
    return (
        receiver != empty(address)
        and self._may(record)
        and self._may(self._account[receiver])
        and amount <= self._free(record)
    )


@external
@view
def spendable(owner: address, spender: address) -> uint256:
    """
    @notice How many tokens of an owner a spender could move now.
    """
    record: uint256 = self._account[owner]
    held: uint256 = record & PART
    frozen: uint256 = (record >> 96) & PART
    if held <= frozen or (RESTRICTED and record & PERMITTED == 0):
        return 0
    free: uint256 = unsafe_sub(held, frozen)
    return min(free, self._allowed(record, owner, spender))


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    return self._allowed(self._account[owner], owner, spender)


@external
@view
def isPool(account: address) -> bool:
    """
    @notice Whether an account holds tokens for others, who keep their own books there.
    """
    return self._account[account] & POOL > 0


@external
@view
def supportsInterface(interface_id: bytes4) -> bool:
    return interface_id in INTERFACES


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._domain()


# --- holders ------------------------------------------------------------------------------------


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, self._account[msg.sender], receiver, amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    record: uint256 = self._account[owner]
    if record >> ALLOWED > 0 and self._account[msg.sender] & COLLECTOR > 0:
        assert record >> ALLOWED > amount, "allowance too low"
        record = unsafe_sub(record, amount << ALLOWED)
    else:
        allowed: uint256 = self._allowance[owner][msg.sender]
        assert allowed >= amount, "allowance too low"
        if allowed < max_value(uint256):
            self._allowance[owner][msg.sender] = unsafe_sub(allowed, amount)
    self._move(owner, record, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self._approve(msg.sender, spender, amount)
    return True


@external
def permit(
    owner: address,
    spender: address,
    amount: uint256,
    deadline: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Approve by the owner's signature, which anybody may bring.
    """
    assert block.timestamp <= deadline, "expired"
    # Of the two signatures that fit, only one is taken.
    assert convert(s, uint256) <= HIGHEST_S, "signature malleable"
    nonce: uint256 = self.nonces[owner]
    content: bytes32 = keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline))
    digest: bytes32 = keccak256(concat(b"\x19\x01", self._domain(), content))
    assert owner != empty(address) and ecrecover(digest, v, r, s) == owner, "not signed by the owner"
    self.nonces[owner] = nonce + 1
    self._approve(owner, spender, amount)


# --- the custodian ------------------------------------------------------------------------------


@external
def mint(receiver: address, amount: uint256):
    assert msg.sender == CUSTODIAN, "only the custodian"
    assert receiver != empty(address), "zero address"
    # The sum of all balances is `minted - burned`, so no balance can overflow either.
    minted: uint256 = self.minted
    assert amount <= unsafe_sub(PART, minted), "too large"
    record: uint256 = self._account[receiver]
    if RESTRICTED:
        assert record & PERMITTED > 0, "receiver not permitted"
    self.minted = unsafe_add(minted, amount)
    self._account[receiver] = unsafe_add(record, amount)
    log Transfer(sender=empty(address), receiver=receiver, amount=amount)


@external
def burn(owner: address, amount: uint256):
    assert msg.sender == CUSTODIAN, "only the custodian"
    record: uint256 = self._account[owner]
    assert record & PART >= amount, "balance too low"
    assert self._free(record) >= amount, "tokens frozen"
    self.burned += amount
    self._account[owner] = unsafe_sub(record, amount)
    log Transfer(sender=owner, receiver=empty(address), amount=amount)


# --- the enforcer -------------------------------------------------------------------------------


@external
def setFrozenTokens(account: address, amount: uint256) -> bool:
    """
    @notice Freeze so many tokens of an account, more than it holds if need be; replaces what was
            frozen before. Pools cannot be frozen: their tokens belong to others.
    """
    self._only_enforcer()
    record: uint256 = self._account[account]
    assert record & POOL == 0, "a pool"
    assert amount <= PART, "too large"
    self._account[account] = record & ~(PART << 96) | amount << 96
    log Frozen(account=account, amount=amount)
    return True


@external
def permit_account(account: address, permitted: bool):
    """
    @notice Put an account on the list of those that may hold the token, or take it off.
    """
    self._only_enforcer()
    record: uint256 = self._account[account]
    assert record & POOL == 0, "a pool"
    self._account[account] = record & ~PERMITTED
    if permitted:
        self._account[account] = record | PERMITTED
    log Permitted(account=account, permitted=permitted)


@external
def name_pool(account: address):
    """
    @notice Enter, once and for all, an account that holds tokens for others: the lending contract
            or the close-out desk. It is permitted, and nothing can be forced out of it. The first
            is the collector: allowances work as for anybody, and cost less gas.
    """
    assert msg.sender == roles._holder(roles.ADMIN), "only the administrator"
    assert account != empty(address), "zero address"
    record: uint256 = self._account[account]
    assert (record >> 96) & PART == 0, "tokens frozen"
    record |= PERMITTED | POOL
    if self.collector == empty(address):
        self.collector = account
        record |= COLLECTOR
    self._account[account] = record
    log PoolNamed(account=account)


@external
def forcedTransfer(sender: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Move tokens without their owner, frozen ones too; what is frozen then is what is left.
    """
    self._only_enforcer()
    record: uint256 = self._account[sender]
    assert record & POOL == 0, "a pool"
    held: uint256 = record & PART
    assert held >= amount, "balance too low"
    if (record >> 96) & PART > held - amount:
        # What can be frozen falls with the balance; told before the movement, as the standard asks.
        record = record & ~(PART << 96) | (held - amount) << 96
        log Frozen(account=sender, amount=held - amount)
    self._put(sender, record, receiver, amount)
    log ForcedTransfer(sender=sender, receiver=receiver, amount=amount)
    return True


# --- within -------------------------------------------------------------------------------------


@internal
@view
def _may(record: uint256) -> bool:
    return not RESTRICTED or record & PERMITTED > 0


@internal
@pure
def _free(record: uint256) -> uint256:
    """
    @dev Tokens that are not frozen.
    """
    held: uint256 = record & PART
    return unsafe_sub(held, min(held, (record >> 96) & PART))


@internal
@view
def _allowed(record: uint256, owner: address, spender: address) -> uint256:
    """
    @dev `transferFrom` asks in the same way.
    """
    if record >> ALLOWED > 0 and self._account[spender] & COLLECTOR > 0:
        return unsafe_sub(record >> ALLOWED, 1)
    return self._allowance[owner][spender]


@internal
def _move(sender: address, record: uint256, receiver: address, amount: uint256):
    held: uint256 = record & PART
    assert held >= amount, "balance too low"
    frozen: uint256 = (record >> 96) & PART
    assert frozen == 0 or unsafe_sub(held, amount) >= frozen, "tokens frozen"
    if RESTRICTED:
        assert record & PERMITTED > 0, "sender not permitted"
    self._put(sender, record, receiver, amount)


@internal
def _put(sender: address, record: uint256, receiver: address, amount: uint256):
    """
    @dev Move tokens out of a sender's record that is known to hold them. The balance lies in the
         lowest bits.
    """
    assert receiver != empty(address), "zero address"
    self._account[sender] = unsafe_sub(record, amount)
    other: uint256 = self._account[receiver]
    if RESTRICTED:
        assert other & PERMITTED > 0, "receiver not permitted"
    self._account[receiver] = unsafe_add(other, amount)
    log Transfer(sender=sender, receiver=receiver, amount=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    in_record: bool = False
    if self._account[spender] & COLLECTOR > 0:
        record: uint256 = self._account[owner] & ((1 << ALLOWED) - 1)
        in_record = amount < LARGE
        if in_record:
            record |= (amount + 1) << ALLOWED
        self._account[owner] = record
    if not in_record:
        self._allowance[owner][spender] = amount
    log Approval(owner=owner, spender=spender, amount=amount)


@internal
@view
def _domain() -> bytes32:
    return keccak256(
        abi_encode(DOMAIN_TYPE, keccak256(name), keccak256("1"), chain.id, self)
    )


@internal
@view
def _only_enforcer():
    assert msg.sender == roles._holder(roles.OPERATOR), "only the enforcer"
