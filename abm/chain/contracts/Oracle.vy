# pragma version 0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title  The price oracle
@notice One poster publishes the prices of all securities together, in whole units of money, with
        the time they were observed. Prices older than the limit are not given out.
"""

event Posted:
    observed: uint256
    prices: DynArray[uint256, MAX_TOKENS]

MAX_TOKENS: constant(uint256) = 16
PER_SLOT: constant(uint256) = 4
LIMIT: constant(uint256) = 2**63

POSTER: public(immutable(address))
TOKENS: public(immutable(uint256))
MAX_AGE: public(immutable(uint256))

observed: public(uint256)
# Four prices of 64 bits share a storage slot.
_packed: uint256[4]


@deploy
def __init__(poster: address, tokens: uint256, max_age: uint256):
    assert poster != empty(address), "zero address"
    assert 0 < tokens and tokens <= MAX_TOKENS, "number of tokens"
    assert max_age > 0, "zero age"
    POSTER = poster
    TOKENS = tokens
    MAX_AGE = max_age


@external
def post(prices: DynArray[uint256, MAX_TOKENS], observed: uint256):
    """
    @notice Publish prices.
    @param prices One a token, in the order of the lending contract.
    @param observed When they were observed, in seconds; later than the last ones.
    """
    assert msg.sender == POSTER, "only the poster"
    assert len(prices) == TOKENS, "number of prices"
    assert observed <= block.timestamp, "from the future"
    assert observed > self.observed, "not newer"
    assert block.timestamp - observed <= MAX_AGE, "too old"
    words: uint256[4] = empty(uint256[4])
    position: uint256 = 0
    for price: uint256 in prices:
        assert price > 0, "zero price"
        assert price < LIMIT, "too large"
        words[position // PER_SLOT] |= price << (64 * (position % PER_SLOT))
        position += 1
    for slot: uint256 in range(4):
        if slot * PER_SLOT < TOKENS:
            self._packed[slot] = words[slot]
    self.observed = observed
    log Posted(observed=observed, prices=prices)


@external
@view
def prices() -> DynArray[uint256, MAX_TOKENS]:
    """
    @notice The prices in force; refused when they are too old.
    """
    assert self.observed > 0, "no prices"
    assert block.timestamp - self.observed <= MAX_AGE, "stale prices"
    result: DynArray[uint256, MAX_TOKENS] = []
    word: uint256 = 0
    for position: uint256 in range(TOKENS, bound=MAX_TOKENS):
        if position % PER_SLOT == 0:
            word = self._packed[position // PER_SLOT]
        result.append(word & (2**64 - 1))
        word = word >> 64
    return result
