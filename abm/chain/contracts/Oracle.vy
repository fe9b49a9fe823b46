# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  The price oracle
@notice A poster publishes the prices of all securities together, in whole units of money, with the
        time they were observed. Prices older than the limit are not given out. A price that is
        further than a bound from the last one of the day before waits for the guardian's word, or
        for a delay in which the guardian can reject it; until then the last good prices stand. So
        one wrong price moves no more than the bound, however often it is posted, and can be
        corrected on the same day.
@dev    Two banks of prices take turns by the day: the one not in use is that of the day before.
"""

import roles

initializes: roles

exports: (roles.admin, roles.operator, roles.guardian, roles.offer_role, roles.take_role)

event Posted:
    observed: uint256
    prices: DynArray[uint256, MAX_TOKENS]

event Doubted:
    observed: uint256
    prices: DynArray[uint256, MAX_TOKENS]

event Rejected:
    observed: uint256

MAX_TOKENS: constant(uint256) = 16
PER_SLOT: constant(uint256) = 4
LIMIT: constant(uint256) = 2**63
DAY: constant(uint256) = 86400
# For this long the guardian alone can let a doubted price pass; then its poster can.
DOUBT: constant(uint256) = 6 * 3600

TOKENS: public(immutable(uint256))
MAX_AGE: public(immutable(uint256))
# Basis points by which a price may move against that of the day before.
BOUND: public(immutable(uint256))

# When the prices in force were observed, the day on which their bank was begun, and the bank.
_state: uint256
# Four prices of 64 bits share a storage slot.
_banks: uint256[4][2]
_doubted: uint256[4]
_doubted_from: uint256
doubted_observed: public(uint256)


@deploy
def __init__(
    admin: address,
    poster: address,
    guardian: address,
    tokens: uint256,
    max_age: uint256,
    bound: uint256,
):
    roles._set_up(admin, poster, guardian)
    assert 0 < tokens and tokens < MAX_TOKENS, "number of tokens"
    assert max_age > 0, "zero age"
    assert 0 < bound and bound <= 10000, "bound out of range"
    TOKENS = tokens
    MAX_AGE = max_age
    BOUND = bound


@external
def post(prices: DynArray[uint256, MAX_TOKENS], observed: uint256) -> bool:
    """
    @notice Publish prices. Where the poster has left them to grow stale, the guardian may.
    @param prices One a token, in the order of the lending contract.
    @param observed When they were observed, in seconds; later than the last ones.
    @return Whether they are in force; else they are doubted.
    """
    state: uint256 = self._state
    last: uint256 = state & (2**64 - 1)
    if msg.sender != roles._holder(roles.OPERATOR):
        assert msg.sender == roles._holder(roles.GUARDIAN), "only the poster"
        assert block.timestamp > last + MAX_AGE, "only the poster"
    assert len(prices) == TOKENS, "number of prices"
    assert observed <= block.timestamp, "from the future"
    assert observed > last, "not newer"
    assert block.timestamp - observed <= MAX_AGE, "too old"
    bank: uint256 = state >> 128
    before: uint256 = 1 - bank
    if state > 0 and (state >> 64) & (2**64 - 1) < block.timestamp // DAY:
        # The first post of a day: what is in force becomes what it is compared with.
        before = bank
        bank = 1 - bank
    words: uint256[4] = empty(uint256[4])
    good: bool = True
    reference: uint256 = 0
    position: uint256 = 0
    for price: uint256 in prices:
        assert price > 0, "zero price"
        assert price < LIMIT, "too large"
        if position % PER_SLOT == 0:
            reference = self._banks[before][position // PER_SLOT]
        known: uint256 = reference & (2**64 - 1)
        reference >>= 64
        if known > 0 and max(price, known) * 10000 > min(price, known) * (10000 + BOUND):
            good = False
        words[position // PER_SLOT] |= price << (64 * (position % PER_SLOT))
        position += 1
    if not good:
        self._doubted = words
        self._doubted_from = block.timestamp
        self.doubted_observed = observed
        log Doubted(observed=observed, prices=prices)
        return False
    self._put(bank, words, observed)
    log Posted(observed=observed, prices=prices)
    return True


@external
def confirm(observed: uint256):
    """
    @notice Let doubted prices pass: the guardian at once, the poster after the delay.
    @param observed When they were observed, so that nothing else is confirmed than was looked at.
    """
    assert observed > 0 and observed == self.doubted_observed, "nothing doubted"
    if msg.sender != roles._holder(roles.GUARDIAN):
        assert msg.sender == roles._holder(roles.OPERATOR), "only poster and guardian"
        assert block.timestamp >= self._doubted_from + DOUBT, "still in doubt"
    assert observed > self._state & (2**64 - 1), "not newer"
    words: uint256[4] = self._doubted
    # What was confirmed is known to be good: prices of the rest of the day are compared with it.
    self._put(0, words, observed)
    self._put(1, words, observed)
    self.doubted_observed = 0
    prices: DynArray[uint256, MAX_TOKENS] = []
    for position: uint256 in range(TOKENS, bound=MAX_TOKENS):
        prices.append((words[position // PER_SLOT] >> 64 * (position % PER_SLOT)) & (2**64 - 1))
    log Posted(observed=observed, prices=prices)


@external
def reject(observed: uint256):
    """
    @notice The guardian refuses doubted prices.
    """
    assert msg.sender == roles._holder(roles.GUARDIAN), "only the guardian"
    assert observed > 0 and observed == self.doubted_observed, "nothing doubted"
    self.doubted_observed = 0
    log Rejected(observed=observed)


@internal
def _put(bank: uint256, words: uint256[4], observed: uint256):
    for slot: uint256 in range(4):
        if slot * PER_SLOT < TOKENS:
            self._banks[bank][slot] = words[slot]
    self._state = observed | (block.timestamp // DAY) << 64 | bank << 128


@external
@view
def observed() -> uint256:
    return self._state & (2**64 - 1)


@external
@view
def packed() -> uint256[4]:
    """
    @notice The prices in force, four of 64 bits a word; refused when they are too old.
    """
    bank: uint256 = self._bank_in_force()
    words: uint256[4] = empty(uint256[4])
    for slot: uint256 in range((TOKENS + PER_SLOT - 1) // PER_SLOT, bound=4):
        words[slot] = self._banks[bank][slot]
    return words


@external
@view
def prices() -> DynArray[uint256, MAX_TOKENS]:
    """
    @notice The prices in force; refused when they are too old.
    """
    bank: uint256 = self._bank_in_force()
    result: DynArray[uint256, MAX_TOKENS] = []
    for position: uint256 in range(TOKENS, bound=MAX_TOKENS):
        word: uint256 = self._banks[bank][position // PER_SLOT]
        result.append((word >> 64 * (position % PER_SLOT)) & (2**64 - 1))
    return result


@internal
@view
def _bank_in_force() -> uint256:
    state: uint256 = self._state
    assert state > 0, "no prices"
    assert block.timestamp - (state & (2**64 - 1)) <= MAX_AGE, "stale prices"
    return state >> 128
