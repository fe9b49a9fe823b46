# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title  Securities lending with tokenised collateral: the margin run
@notice Holds the collateral of all loans and runs the margin process: mark, call, return, deliver.
        Opening, settlement and stopping of loans are in `Loans`, whose code runs here on the same
        storage: one address, one set of functions. After a default the close-out desk takes over.
        The rules are those that the simulator runs over columns; both are held to be equal.
        Tokens are numbered by their position in `tokens()`; the last is cash, whose price is 1.
        All amounts are whole tokens, all values whole units of money, all days `timestamp / 86400`.
@dev    The modules with storage are initialised in the same order as in `Loans`.
"""

import types
import roles
import book
import assets
import margining
import reading

initializes: roles
initializes: book
initializes: assets[book := book]
initializes: margining[book := book, assets := assets]
initializes: reading[book := book, assets := assets]

exports: (book.agreements, book.loans, book.desk, assets.CUSTODIAN, assets.ORACLE)
exports: (roles.admin, roles.operator, roles.guardian, roles.paused_until)
exports: (
    reading.tokens,
    reading.terms,
    reading.loan,
    reading.measure,
    reading.coverage,
    reading.lent,
    reading.collateral,
    reading.instructed,
    reading.credit,
)

LOANS: public(immutable(address))


@deploy
def __init__(
    admin: address,
    clearing_house: address,
    guardian: address,
    custodian: address,
    oracle: address,
    tokens: DynArray[address, types.MAX_TOKENS],
    loans: address,
):
    roles._set_up(admin, clearing_house, guardian)
    assert loans != empty(address), "zero address"
    assets.__init__(custodian, oracle, tokens)
    LOANS = loans


@external
def adjust(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The day's margin run over loans: first all calls and returns, then all deliveries.
    """
    house: bool = self._begins(len(loan_ids))
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._mark(loan_id, prices, house, True))
    for position: uint256 in range(len(outcomes), bound=types.MAX_BATCH):
        if outcomes[position].kind == types.CALL_DELIVERY:
            outcomes[position] = margining._deliver_marked(outcomes[position], prices)
    return outcomes


@external
def mark(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The first half of `adjust`, for markets of more loans than one batch.
    """
    house: bool = self._begins(len(loan_ids))
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._mark(loan_id, prices, house, False))
    return outcomes


@external
def deliver(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[types.Outcome, types.MAX_BATCH]:
    """
    @notice The second half of `adjust`: deliveries on the calls that `mark` made today.
    """
    house: bool = self._begins(len(loan_ids))
    prices: uint256[types.MAX_TOKENS] = assets._prices()
    outcomes: DynArray[types.Outcome, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        outcomes.append(margining._deliver(loan_id, prices, house))
    return outcomes


@external
def deliver_part(
    loan_id: uint256,
    held: DynArray[uint256, types.MAX_TOKENS],
    issued: DynArray[uint256, types.MAX_TOKENS],
):
    """
    @notice The borrower delivers a part of what it is called for today; the clearing house collects
            the rest. So a borrower that is short divides what it has among its calls.
    @param held Amounts from the wallet, by token.
    @param issued Amounts to be issued against its deposit, by token.
    """
    self._begins(1)
    margining._deliver_part(loan_id, held, issued)


@external
def settle_instructions(
    loan_ids: DynArray[uint256, types.MAX_BATCH]
) -> DynArray[uint256, types.MAX_BATCH]:
    """
    @notice Settle what was instructed on an earlier day, sized at that day's prices.
    @return For each loan the tokens that its lender issued to complete a return.
    """
    assert len(loan_ids) > 0, "no loans"
    issued: DynArray[uint256, types.MAX_BATCH] = []
    for loan_id: uint256 in loan_ids:
        issued.append(margining._settle_instruction(loan_id))
    return issued


@external
@reentrant
@raw_return
def __default__() -> Bytes[4096]:
    """
    @notice Everything else is in `Loans`; each of its functions locks for itself.
    """
    return raw_call(LOANS, msg.data, max_outsize=4096, is_delegate_call=True)


@internal
@view
def _begins(number: uint256) -> bool:
    """
    @dev Checks before a margin run; says whether the clearing house is the caller.
    """
    assert number > 0, "no loans"
    packed: uint256 = roles._holders[roles.OPERATOR]
    assert block.timestamp >= packed >> 160, "paused"
    return convert(packed & roles.ACCOUNT, address) == msg.sender
