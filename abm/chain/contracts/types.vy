# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  What the lending contract and the close-out desk both know
"""

MAX_TOKENS: constant(uint256) = 16
MAX_BATCH: constant(uint256) = 64
LIMIT: constant(uint256) = 2**63
DAY: constant(uint256) = 86400
NEVER: constant(uint256) = 2**31 - 1

NO_CALL: constant(uint256) = 0
OFFERED: constant(uint256) = 1
OPEN: constant(uint256) = 2
SETTLED: constant(uint256) = 3
STOPPED: constant(uint256) = 4
CLOSED_OUT: constant(uint256) = 5
WITHDRAWN: constant(uint256) = 6

CALL_DELIVERY: constant(uint256) = 1
CALL_RETURN: constant(uint256) = 2
CALL_NOTHING: constant(uint256) = 3

struct Terms:
    numerator: uint256      # required collateral value = ceil(exposure · numerator / denominator)
    denominator: uint256
    trigger: uint256        # basis points
    minimum: uint256        # movements worth less are not made
    lag: uint256            # days to settlement, 0 or 1
    grace: uint256          # days that a call may stay unmet
    delivery_up: bool
    return_up: bool
    issuance: bool          # the lender completes a return with tokens of its own deposit
    priority: DynArray[uint256, MAX_TOKENS]

struct Loan:
    loan_id: uint256
    lender: address
    borrower: address
    agreement: uint256
    mask: uint256           # bit set: tokens that can be held as collateral
    lent_mask: uint256
    maturity: uint256       # day
    term: uint256           # days by which the loan rolls at maturity, 0: it settles
    state: uint256
    kind: uint256           # the call that is open
    marked: uint256         # day of the last margin run, or of the offer
    unmet_days: uint256
    overdue_days: uint256
    tried: uint256          # day on which a settlement last failed
    advanced: uint256       # first-priority tokens that the lender issued beyond what it held
    instructed: uint256     # the call whose instruction settles on the next day
    instructed_mask: uint256

struct Measure:
    exposure: uint256
    required: uint256
    lower: uint256
    upper: uint256
    worth: int256           # collateral value, less what the lender issued beyond it

struct Outcome:
    loan_id: uint256
    kind: uint256
    excess: int256          # collateral value less what is required, at the call
    worth: int256           # collateral value after the day, before any issuance by the lender
    moved: uint256          # value delivered or returned
    transfers: uint256      # kinds of tokens moved
    issued: uint256         # value issued on the way
    unmet: uint256
