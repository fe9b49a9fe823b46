"""What every column of the tables means: written once, carried in the files' own metadata."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from abm.measures.measure import COUNT, MONEY, NAME, TOKENS, Measure
from abm.measures.standard import MEASURES


class Column(NamedTuple):
    """A column's unit and meaning, its label in words, and the kind of a measure."""

    unit: str
    meaning: str
    label: str = ""
    kind: str = ""


DAY = Column("day", "Days since the market opened; day 0 is the opening.")


def day_columns(measures: Iterable[Measure] = MEASURES) -> dict[str, Column]:
    """The columns of `days`: one row a day."""
    return {"day": DAY, "date": Column("date", "Calendar day.")} | {
        measure.name: Column(measure.unit, measure.meaning, measure.words, measure.kind)
        for measure in measures
    }


EVENTS: dict[str, Column] = {
    "day": DAY,
    "event": Column(NAME, "Kind of event; see the list of events."),
    "loan_id": Column(
        "id",
        "The loan that begins, ends, rolls or is recalled; otherwise the first one of the margin"
        " account; -1 for none.",
    ),
    "lender": Column(NAME, "Its lender."),
    "borrower": Column(NAME, "Its borrower."),
    "party": Column(NAME, "The participant that acted."),
    "token": Column(NAME, "The token that moved; empty where none did."),
    "quantity": Column(TOKENS, "Tokens moved; negative towards the borrower in a settlement."),
    "cause": Column(
        NAME, "Of a default: exogenous, liquidity, contagion, insolvency; empty otherwise."
    ),
    "value": Column(
        MONEY,
        "Market value, at published prices, of sales and close-outs at true ones; of a"
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
    "expected_exposure": Column(
        MONEY,
        "What its lenders stood to lose by its default, above the market value of the collateral,"
        " in the morning before any movement: mean over the days.",
    ),
    "exposure_q975": Column(MONEY, "The same, 97.5 % quantile over the days."),
    "requirement_shortfall": Column(MONEY, "Sum of its negative gaps as a lender."),
    "over_collateralisation": Column(MONEY, "Sum of its positive gaps as a borrower."),
    "wallet_value": Column(MONEY, "Market value of its wallet, cash included."),
    "posted_value": Column(MONEY, "Market value of the collateral that it has posted."),
    "equity": Column(MONEY, "What it can still lose before it defaults; empty if unlimited."),
    "losses": Column(
        MONEY, "Close-out losses so far, at true prices, less what estates have paid on them."
    ),
    "recovered": Column(MONEY, "What estates have paid on its claims so far."),
    "default_day": Column("day", "Day of its default; -1 for none."),
    "default_cause": Column(NAME, "exogenous, liquidity, contagion or insolvency; empty for none."),
    "sheet_cash": Column(
        MONEY,
        "Cash in the wallet and outside the ledger. This and the lines of the balance sheet that"
        " follow are empty where none are kept; docs/balance-sheets.md describes them.",
    ),
    "sheet_receivable": Column(MONEY, "Cash to come from sales outside the ledger."),
    "sheet_wallet": Column(MONEY, "Tokens other than cash in the wallet."),
    "sheet_outside": Column(MONEY, "Assets other than cash outside the ledger."),
    "sheet_incoming": Column(MONEY, "Assets bought outside the ledger and to come."),
    "sheet_placed": Column(
        MONEY, "Assets that cash collateral was placed in, and that are paid at the end of a term."
    ),
    "sheet_lent": Column(MONEY, "Claims on what it has lent."),
    "sheet_posted": Column(
        MONEY, "Collateral that it has posted, and what sales of it in close-outs have brought."
    ),
    "sheet_received": Column(MONEY, "Collateral that it has received with title, and still has."),
    "sheet_issued": Column(MONEY, "Claims on what it issued to complete returns."),
    "sheet_borrowed": Column(MONEY, "What it has borrowed. With this the liabilities begin."),
    "sheet_collateral_owed": Column(
        MONEY, "Collateral received with title and owed back, and proceeds of close-outs."
    ),
    "sheet_issue_owed": Column(MONEY, "What its lenders issued to it beyond its collateral."),
    "sheet_credit": Column(MONEY, "Drawn on its credit line."),
    "sheet_debt": Column(MONEY, "Debt to lenders outside the market."),
    "assets": Column(MONEY, "Sum of the assets."),
    "liabilities": Column(MONEY, "Sum of the liabilities."),
    "net_worth": Column(MONEY, "Assets less liabilities, whoever's default it is to have none."),
    "leverage": Column("ratio", "Assets other than cash and receivables over net worth."),
}
"""Table `participants`: one row each, at the end of the run."""

EXPOSURES: dict[str, Column] = {
    "day": DAY,
    "participant": Column(NAME, "The borrower."),
    "uncollateralised_before": Column(
        MONEY,
        "What its lenders stand to lose by its default, above the market value of the collateral,"
        " after the day's prices and before any movement.",
    ),
}
"""Table `exposures`: one row a day and borrower, day 0 left out."""

LOANS: dict[str, Column] = {
    "loan_id": Column("id", "Identifier."),
    "lender": Column(NAME, "Lender."),
    "borrower": Column(NAME, "Borrower."),
    "state": Column(NAME, "pending, open, settled or closed out."),
    "opened": Column("day", "Day on which it began or is to begin; negative if it ran before."),
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
