"""What every column of the results means: written once, carried in the files' own metadata."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """A column's unit and meaning."""

    unit: str
    meaning: str


MONEY, COUNT, SHARE, TOKENS, NAME = "money", "count", "share", "tokens", "name"

DAYS: dict[str, Column] = {
    "day": Column("day", "Days since the loans were opened; day 0 is the opening."),
    "date": Column("date", "Calendar day."),
    "open_loans": Column(COUNT, "Loans outstanding at the end of the day."),
    "exposure": Column(
        MONEY,
        "Market value of all that is lent, loans in close-out left out: likewise in the columns on"
        " collateral that follow.",
    ),
    "collateral_value": Column(MONEY, "Market value of the collateral that lenders hold."),
    "coverage": Column(
        "ratio", "Collateral value after haircut over exposure; 1 is fully covered."
    ),
    "gap": Column(
        MONEY,
        "Collateral value after haircut less exposure, over all loans, after the day's calls"
        " (paper, section 2.3.4). Negative: lenders are short.",
    ),
    "absolute_gap": Column(MONEY, "Sum of the absolute gaps of single loans (paper, Table 3)."),
    "uncollateralised_exposure": Column(
        MONEY,
        "Exposure above the market value of the collateral, no haircut taken, summed over single"
        " loans: what defaults would leave of them, lenders' risk.",
    ),
    "uncollateralised_max": Column(MONEY, "The largest uncollateralised exposure of one loan."),
    "uncollateralised_es": Column(
        MONEY,
        "Expected shortfall of the uncollateralised exposure: mean of the largest 2.5 % of loans.",
    ),
    "uncollateralised_loans": Column(COUNT, "Loans worth more than their collateral."),
    "requirement_shortfall": Column(
        MONEY,
        "Sum of the negative gaps of single loans, as a positive number: what is missing to the"
        " requirement, the haircut taken, and is still to be called or delivered.",
    ),
    "requirement_shortfall_max": Column(MONEY, "The largest negative gap of one loan."),
    "over_collateralisation": Column(
        MONEY, "Sum of the positive gaps of single loans: borrowers' risk."
    ),
    "over_collateralisation_max": Column(MONEY, "The largest positive gap of one loan."),
    "margin_calls": Column(
        COUNT, "Calls on the day. With a trigger of 0 every loan is called, also to move nothing."
    ),
    "delivery_calls": Column(COUNT, "Calls for collateral on borrowers."),
    "return_calls": Column(COUNT, "Calls for returns on lenders."),
    "delivery_call_value": Column(
        MONEY, "Market value called from borrowers: the liquidity that they had to find."
    ),
    "return_call_value": Column(MONEY, "Market value called back from lenders."),
    "deliveries": Column(COUNT, "Loans on which borrowers delivered."),
    "delivered_value": Column(MONEY, "Market value delivered (with a lag: instructed)."),
    "returns": Column(COUNT, "Loans on which lenders returned."),
    "returned_value": Column(MONEY, "Market value returned (with a lag: instructed)."),
    "blocked_returns": Column(
        COUNT,
        "Return calls on which nothing moved: one token of the last priority is worth more than the"
        " excess, and returns are rounded down.",
    ),
    "transfers": Column(
        COUNT,
        "Movements of a token by calls (with a lag: when instructed) and at the opening and"
        " settlement of loans. Left out: minting and burning, what redeems a lender's issuance, and"
        " close-outs.",
    ),
    "borrower_issuances": Column(
        COUNT,
        "Loans for which a borrower had tokens minted because its wallet ran short: on a call, to"
        " repay, or to open a replacement. Left out: what is minted when the market opens.",
    ),
    "borrower_issued_value": Column(MONEY, "Market value of these tokens."),
    "lender_issuances": Column(
        COUNT,
        "Loans on which a lender issued tokens to complete a return (paper, Table 4). In Model 0"
        " every call counts.",
    ),
    "lender_issued_value": Column(MONEY, "Market value of the tokens that lenders issued."),
    "unmet_calls": Column(COUNT, "Calls that borrowers did not meet in full."),
    "unmet_value": Column(MONEY, "Market value that these calls did not bring."),
    "return_fails": Column(COUNT, "Returns not made because the tokens were posted further."),
    "return_fail_value": Column(MONEY, "Market value of these returns."),
    "loans_opened": Column(COUNT, "Loans that began."),
    "loans_settled": Column(COUNT, "Loans that were repaid."),
    "loans_rolled": Column(COUNT, "Loans that went on for another term."),
    "recalls": Column(COUNT, "Open loans that lenders recalled."),
    "recall_fails": Column(COUNT, "Loans due whose borrower could not return what was lent."),
    "reused_value": Column(MONEY, "Market value of received collateral posted further."),
    "reuse_outstanding": Column(MONEY, "Market value of received collateral that is posted on."),
    "collateral_velocity": Column(
        "ratio", "Collateral pledged over collateral from its primary source (Singh 2011)."
    ),
    "reuse_chain": Column(COUNT, "Longest chain of participants that post on what they received."),
    "defaults_exogenous": Column(COUNT, "Defaults from outside the market."),
    "defaults_liquidity": Column(COUNT, "Defaults on a call or recall left unmet."),
    "defaults_contagion": Column(COUNT, "Defaults because losses used up the equity."),
    "exposure_at_default": Column(MONEY, "Exposure of lenders to those who defaulted on the day."),
    "close_out_exposure": Column(MONEY, "Exposure of loans that are being closed out."),
    "liquidated_value": Column(
        MONEY, "Proceeds of collateral sold on the day: at true prices, after the sales' impact."
    ),
    "close_out_loss": Column(
        MONEY,
        "Losses booked when close-outs ended on the day: what is lent, at true prices, less what"
        " its collateral fetched.",
    ),
    "close_out_surplus": Column(
        MONEY, "Proceeds above the claim, returned to the defaulter; at true prices."
    ),
    "hhi_lenders": Column(
        "index", "Concentration of exposures over lenders: sum of squared shares, 1 is one lender."
    ),
    "hhi_collateral": Column("index", "Concentration of posted collateral over tokens."),
    "wallet_value": Column(
        MONEY, "Market value of the tokens in participants' wallets, cash left out."
    ),
    "gas": Column(
        "gas", "Gas of the day's transactions, where the ledger is on an Ethereum machine; else 0."
    ),
}
"""Table `days`: one row a day, valued at its published prices unless a column says otherwise."""

EVENTS: dict[str, Column] = {
    "day": DAYS["day"],
    "event": Column(NAME, "Kind of event; see the list of events."),
    "loan_id": Column("id", "The loan; the first one of an aggregated account; -1 for none."),
    "lender": Column(NAME, "Its lender."),
    "borrower": Column(NAME, "Its borrower."),
    "party": Column(NAME, "The participant that acted."),
    "token": Column(NAME, "The token that moved; empty where none did."),
    "quantity": Column(TOKENS, "Tokens moved; negative towards the borrower in a settlement."),
    "value": Column(
        MONEY,
        "Market value, at published prices, of a liquidation and a close-out at true ones; of a"
        " call: excess (positive) or shortfall (negative).",
    ),
}
"""Table `events`: one row an event, in the order in which they happened."""

PARTICIPANTS: dict[str, Column] = {
    "participant": Column(NAME, "Name."),
    "role": Column(NAME, "lender, borrower or dealer."),
    "size": Column("ratio", "Relative size."),
    "lent": Column(MONEY, "Market value of what it has lent."),
    "borrowed": Column(MONEY, "Market value of what it has borrowed."),
    "uncollateralised_exposure": Column(
        MONEY, "What it has lent above the market value of the collateral, loan by loan."
    ),
    "requirement_shortfall": Column(MONEY, "Sum of its negative gaps as a lender."),
    "over_collateralisation": Column(MONEY, "Sum of its positive gaps as a borrower."),
    "wallet_value": Column(MONEY, "Market value of its wallet, cash included."),
    "posted_value": Column(MONEY, "Market value of the collateral that it has posted."),
    "equity": Column(MONEY, "What it can still lose before it defaults; empty if unlimited."),
    "losses": Column(MONEY, "Close-out losses so far, at true prices."),
    "default_day": Column("day", "Day of its default; -1 for none."),
    "default_cause": Column(NAME, "exogenous, liquidity or contagion; empty for none."),
}
"""Table `participants`: one row each, at the end of the run."""

LOANS: dict[str, Column] = {
    "loan_id": Column("id", "Identifier."),
    "lender": Column(NAME, "Lender."),
    "borrower": Column(NAME, "Borrower."),
    "state": Column(NAME, "pending, open, settled or closed out."),
    "opened": Column("day", "Day on which it began."),
    "maturity": Column("day", "Day on which it settles; -1 for an open-ended loan."),
    "exposure": Column(MONEY, "Market value of what is lent."),
    "account": Column("id", "Margin account; loans with the same one are margined together."),
    "gap": Column(MONEY, "Gap of its account."),
    "uncollateralised_exposure": Column(
        MONEY, "Exposure of its account above the market value of the account's collateral."
    ),
    "collateral_value": Column(MONEY, "Market value of the account's collateral."),
    "margin_calls": Column(COUNT, "Calls on the account so far."),
    "deliveries": Column(COUNT, "Deliveries to the account so far."),
    "returns": Column(COUNT, "Returns from the account so far."),
    "unmet_days": Column("day", "Days for which its call has been unmet."),
}
"""Table `loans`: one row a loan, on the last day, and a column `posted_<token>` for each token."""
