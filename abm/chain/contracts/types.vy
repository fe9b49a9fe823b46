# pragma version 0.4.3
# pragma evm-version cancun
"""
@title  What the lending contract and the close-out desk both know
"""

MAX_TOKENS: constant(uint256) = 16
MAX_BATCH: constant(uint256) = 16
# Amounts and prices share storage slots, four of 64 bits in each.
WORDS: constant(uint256) = 4
PER_WORD: constant(uint256) = 4
PART: constant(uint256) = 2**64 - 1
LIMIT: constant(uint256) = 2**63
DAY: constant(uint256) = 86400
# From this second of a day on a settlement that fails counts as overdue, and parties may run the
# margin process of their own loans.
CUTOFF: constant(uint256) = 17 * 3600
NEVER: constant(uint256) = 2**31 - 1
# Of `Terms.cap`: no limit to what a lender issues on one return.
NO_CAP: constant(uint256) = 2**20 - 1

# Rounding a return up takes at most one part in so many of what is required.
SMALL_LOAN: constant(uint256) = 4

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
SKIPPED: constant(uint256) = 4

# Why a batch has left a loan out.
NOT_OPEN: constant(uint256) = 1
ALREADY_MARKED: constant(uint256) = 2
INSTRUCTION_OPEN: constant(uint256) = 3
NO_SUCH_CALL: constant(uint256) = 4
NOT_YOURS: constant(uint256) = 5
NOT_DUE: constant(uint256) = 6
NOT_MOVED: constant(uint256) = 7

struct Terms:
    numerator: uint256      # required collateral value = ceil(exposure · numerator / denominator)
    denominator: uint256
    trigger: uint256        # basis points
    minimum: uint256        # movements worth less are not made
    lag: uint256            # days to settlement, 0 or 1
    grace: uint256          # days that a call may stay unmet
    notice: uint256         # days between a recall and the day on which the loan is due
    cap: uint256            # per cent of the exposure that a lender issues at most on one return
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
    tried: uint256          # day on which a settlement last failed after the cut-off
    advanced: uint256       # first-priority tokens that the lender issued beyond what it held
    instructed: uint256     # the call whose instruction settles on the next day

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

event Skipped:
    loan_id: indexed(uint256)
    reason: uint256
