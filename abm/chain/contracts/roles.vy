# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  Roles: who holds them, and how they change hands
@notice A role changes hands in two steps: it is offered, and taken by the account it is offered to.
        Its holder offers it with effect at once; the administrator, for a holder that is absent or
        lost its key, after a delay in which everybody can see it coming.
@dev    The operator shares its slot with the end of a pause, since both are asked for together.
"""

event RoleOffered:
    role: indexed(uint256)
    account: indexed(address)
    from_time: uint256

event RoleTaken:
    role: indexed(uint256)
    account: indexed(address)

event Paused:
    until: uint256

ADMIN: constant(uint256) = 0
OPERATOR: constant(uint256) = 1
GUARDIAN: constant(uint256) = 2
ACCOUNT: constant(uint256) = 2**160 - 1
HANDOVER_DELAY: constant(uint256) = 2 * 86400
LONGEST_PAUSE: constant(uint256) = 3 * 86400

_holders: uint256[3]
_offered: HashMap[uint256, address]
_from: HashMap[uint256, uint256]


@internal
def _set_up(admin: address, operator: address, guardian: address):
    assert empty(address) not in [admin, operator, guardian], "zero address"
    self._holders = [
        convert(admin, uint256), convert(operator, uint256), convert(guardian, uint256)
    ]


@internal
@view
def _holder(role: uint256) -> address:
    return convert(self._holders[role] & ACCOUNT, address)


@internal
@view
def _paused_until() -> uint256:
    return self._holders[OPERATOR] >> 160


@external
@view
def admin() -> address:
    return self._holder(ADMIN)


@external
@view
def operator() -> address:
    return self._holder(OPERATOR)


@external
@view
def guardian() -> address:
    return self._holder(GUARDIAN)


@external
@view
def paused_until() -> uint256:
    return self._paused_until()


@external
def offer_role(role: uint256, account: address):
    """
    @notice Offer a role to an account; the zero address takes an offer back.
    """
    assert role < 3, "unknown role"
    assert msg.sender in [self._holder(role), self._holder(ADMIN)], "not the holder"
    start: uint256 = block.timestamp
    if msg.sender != self._holder(role):
        start += HANDOVER_DELAY
    self._offered[role] = account
    self._from[role] = start
    log RoleOffered(role=role, account=account, from_time=start)


@external
def take_role(role: uint256):
    """
    @notice Take a role that was offered to the caller.
    """
    assert self._offered[role] == msg.sender, "not offered to you"
    assert self._from[role] <= block.timestamp, "not yet"
    self._offered[role] = empty(address)
    # A pause goes on, whoever becomes the operator.
    self._holders[role] = convert(msg.sender, uint256) | (self._holders[role] >> 160) << 160
    log RoleTaken(role=role, account=msg.sender)


@external
def pause():
    """
    @notice The guardian stops new loans and margin runs for some days; nothing that lets parties
            out. It cannot follow upon another pause at once.
    """
    assert msg.sender == self._holder(GUARDIAN), "only the guardian"
    assert block.timestamp >= self._paused_until() + LONGEST_PAUSE, "paused lately"
    self._set_pause(block.timestamp + LONGEST_PAUSE)


@external
def resume():
    """
    @notice End a pause early.
    """
    assert msg.sender in [self._holder(GUARDIAN), self._holder(ADMIN)], "only the guardian"
    assert block.timestamp < self._paused_until(), "not paused"
    self._set_pause(block.timestamp)


@internal
def _set_pause(until: uint256):
    self._holders[OPERATOR] = (self._holders[OPERATOR] & ACCOUNT) | until << 160
    log Paused(until=until)
