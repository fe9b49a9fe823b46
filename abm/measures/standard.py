"""The measures of every market, in the order of the columns of `days`."""

from __future__ import annotations

from abm.measures.balance import OF_SHEETS
from abm.measures.measure import (
    BASIS_POINTS,
    COUNT,
    FLOW,
    LEVEL,
    MONEY,
    PEAK,
    RATIO,
    SHARE,
    Measure,
)

MEASURES: tuple[Measure, ...] = (
    Measure("open_loans", COUNT, PEAK, "Loans at the end of the day, those in close-out left out."),
    Measure(
        "lent_before",
        MONEY,
        LEVEL,
        "Market value of all that is lent in the morning: at the day's prices, before any "
        "movement. Loans in close-out are counted in.",
        label="lent in the morning",
    ),
    Measure(
        "lent",
        MONEY,
        LEVEL,
        "Market value of all that is lent at the end of the day, loans in close-out counted in.",
    ),
    Measure(
        "exposure",
        MONEY,
        LEVEL,
        "Market value of what is lent and margined: loans in close-out left out, as in the columns "
        "of collateral, coverage, gap, shortfall and over-collateralisation.",
    ),
    Measure("collateral_value", MONEY, LEVEL, "Market value of the collateral that lenders hold."),
    Measure(
        "coverage",
        "ratio",
        RATIO,
        "Collateral value after haircut over exposure; 1 is fully covered.",
        weight="exposure",
    ),
    Measure(
        "gap_before",
        MONEY,
        LEVEL,
        "The gap in the morning: after the day's prices and before any movement.",
        label="gap before the day's movements",
    ),
    Measure(
        "gap",
        MONEY,
        LEVEL,
        "Collateral value after haircut less exposure, over all loans, after the day's calls "
        "(paper, section 2.3.4). Negative: lenders are short.",
    ),
    Measure(
        "close_out_gap",
        MONEY,
        LEVEL,
        "The gap of loans in close-out at the end of the day: what is left of their collateral, no "
        "haircut taken, and what the rest has fetched, less what is lent.",
        label="gap of close-outs",
    ),
    Measure(
        "absolute_gap", MONEY, LEVEL, "Sum of the absolute gaps of single loans (paper, Table 3)."
    ),
    Measure(
        "uncollateralised_before",
        MONEY,
        LEVEL,
        "What is lent above the market value of the collateral, no haircut taken, summed over "
        "single loans, after the day's prices and before any movement: what defaults this morning "
        "would leave, lenders' risk. Close-outs are counted in.",
        label="uncollateralised exposure before calls",
        tail=True,
    ),
    Measure(
        "uncollateralised_after",
        MONEY,
        LEVEL,
        "What is lent above the market value of the collateral after the day's movements, "
        "close-outs counted in. Where tokens move at once, at the prices of the calls, this is "
        "what calls left unmet, and close-outs.",
        label="uncollateralised exposure after calls",
        tail=True,
    ),
    Measure(
        "uncollateralised_close_out",
        MONEY,
        LEVEL,
        "The part of uncollateralised_after in close-out: what is lent above what is left of the "
        "collateral and what the rest has fetched.",
        label="uncollateralised exposure in close-out",
    ),
    Measure(
        "uncollateralised_before_bp",
        BASIS_POINTS,
        RATIO,
        "uncollateralised_before in basis points of what is lent.",
        label="uncollateralised before calls",
        weight="lent_before",
        tail=True,
    ),
    Measure(
        "uncollateralised_after_bp",
        BASIS_POINTS,
        RATIO,
        "uncollateralised_after in basis points of what is lent.",
        label="uncollateralised after calls",
        weight="lent",
        tail=True,
    ),
    Measure(
        "uncollateralised_after_largest",
        MONEY,
        LEVEL,
        "The largest uncollateralised exposure of one loan after the day's movements.",
        label="largest uncollateralised exposure of a loan",
    ),
    Measure(
        "uncollateralised_after_es",
        MONEY,
        LEVEL,
        "Expected shortfall of the uncollateralised exposure after the day's movements: mean of "
        "the largest 2.5 % of loans.",
        label="expected shortfall of uncollateralised exposure",
    ),
    Measure(
        "uncollateralised_after_loans",
        COUNT,
        PEAK,
        "Loans worth more than their collateral after the day's movements.",
        label="uncollateralised loans",
    ),
    Measure(
        "wrong_way_share",
        SHARE,
        RATIO,
        "Part of uncollateralised_before that is to borrowers who are in default at the end of the "
        "day, or leave a call of the day unmet: exposure that is there when it hurts.",
        weight="uncollateralised_before",
        label="wrong-way share of uncollateralised exposure",
    ),
    Measure(
        "requirement_shortfall_before",
        MONEY,
        LEVEL,
        "What is missing to the requirement in the morning, the haircut taken, summed over single "
        "loans: what the day's calls are about.",
        label="shortfall to the requirement before calls",
    ),
    Measure(
        "requirement_shortfall",
        MONEY,
        LEVEL,
        "Sum of the negative gaps of single loans, as a positive number: what is missing to "
        "the requirement, the haircut taken, and is still to be called or delivered.",
        label="shortfall to the requirement",
    ),
    Measure(
        "requirement_shortfall_before_bp",
        BASIS_POINTS,
        RATIO,
        "requirement_shortfall_before in basis points of what is lent.",
        label="shortfall to the requirement before calls, of what is lent",
        weight="lent_before",
    ),
    Measure(
        "requirement_shortfall_bp",
        BASIS_POINTS,
        RATIO,
        "requirement_shortfall in basis points of what is lent.",
        label="shortfall to the requirement, of what is lent",
        weight="lent",
    ),
    Measure(
        "requirement_shortfall_max",
        MONEY,
        LEVEL,
        "The largest negative gap of one loan.",
        label="largest shortfall of a loan to its requirement",
    ),
    Measure(
        "over_collateralisation",
        MONEY,
        LEVEL,
        "Sum of the positive gaps of single loans: borrowers' risk.",
        label="over-collateralisation",
    ),
    Measure(
        "over_collateralisation_max",
        MONEY,
        LEVEL,
        "The largest positive gap of one loan.",
        label="largest over-collateralisation of a loan",
    ),
    Measure(
        "margin_calls",
        COUNT,
        FLOW,
        "Calls on the day. With a trigger of 0 every loan is called, also to move nothing.",
    ),
    Measure("delivery_calls", COUNT, FLOW, "Calls for collateral on borrowers."),
    Measure("return_calls", COUNT, FLOW, "Calls for returns on lenders."),
    Measure(
        "delivery_call_value",
        MONEY,
        FLOW,
        "Market value called from borrowers: the liquidity that they had to find.",
    ),
    Measure("return_call_value", MONEY, FLOW, "Market value called back from lenders."),
    Measure("deliveries", COUNT, FLOW, "Loans on which borrowers delivered."),
    Measure("delivered_value", MONEY, FLOW, "Market value delivered (with a lag: instructed)."),
    Measure("returns", COUNT, FLOW, "Loans on which lenders returned."),
    Measure("returned_value", MONEY, FLOW, "Market value returned (with a lag: instructed)."),
    Measure(
        "blocked_returns",
        COUNT,
        FLOW,
        "Return calls on which nothing moved: one token of the last priority is worth more "
        "than the excess, and returns are rounded down, or up by too much (docs/rules.md).",
    ),
    Measure(
        "transfers",
        COUNT,
        FLOW,
        "Movements of a token by calls (with a lag: when instructed) and at the opening and "
        "settlement of loans. Left out: minting and burning, what redeems a lender's "
        "issuance, and close-outs.",
    ),
    Measure(
        "borrower_issuances",
        COUNT,
        FLOW,
        "Loans for which a borrower had tokens minted because its wallet ran short: on a "
        "call, to repay, or to open a replacement. Left out: what is minted when the market "
        "opens.",
        label="issuances by borrowers",
    ),
    Measure(
        "borrower_issued_value",
        MONEY,
        FLOW,
        "Market value of these tokens.",
        label="value issued by borrowers",
    ),
    Measure(
        "lender_issuances",
        COUNT,
        FLOW,
        "Loans on which a lender issued tokens to complete a return (paper, Table 4). In "
        "Model 0 every call counts.",
        label="issuances by lenders",
    ),
    Measure(
        "lender_issued_value",
        MONEY,
        FLOW,
        "Market value of the tokens that lenders issued.",
        label="value issued by lenders",
    ),
    Measure("unmet_calls", COUNT, FLOW, "Calls that borrowers did not meet in full."),
    Measure("unmet_value", MONEY, FLOW, "Market value that these calls did not bring."),
    Measure(
        "return_fails", COUNT, FLOW, "Returns not made because the tokens were posted further."
    ),
    Measure("return_fail_value", MONEY, FLOW, "Market value of these returns."),
    Measure("loans_opened", COUNT, FLOW, "Loans that began."),
    Measure("loans_settled", COUNT, FLOW, "Loans that were repaid."),
    Measure("loans_rolled", COUNT, FLOW, "Loans that went on for another term."),
    Measure("recalls", COUNT, FLOW, "Open loans that lenders recalled."),
    Measure(
        "recall_fails", COUNT, FLOW, "Loans due whose borrower could not return what was lent."
    ),
    Measure("reused_value", MONEY, FLOW, "Market value of received collateral posted further."),
    Measure(
        "reuse_outstanding", MONEY, PEAK, "Market value of received collateral that is posted on."
    ),
    Measure(
        "collateral_velocity",
        "ratio",
        RATIO,
        "Collateral pledged over collateral from its primary source (Singh 2011).",
        weight="collateral_value",
    ),
    Measure(
        "reuse_chain",
        COUNT,
        PEAK,
        "Longest chain of participants that post on what they received.",
        label="longest chain of re-use",
    ),
    Measure("defaults_exogenous", COUNT, FLOW, "Defaults from outside the market."),
    Measure("defaults_liquidity", COUNT, FLOW, "Defaults on a call or recall left unmet."),
    Measure("defaults_contagion", COUNT, FLOW, "Defaults because losses used up the equity."),
    Measure(
        "defaults_insolvency",
        COUNT,
        FLOW,
        "Defaults because prices used up the equity, of those who keep a balance sheet.",
    ),
    Measure(
        "exposure_at_default", MONEY, FLOW, "Exposure of lenders to those who defaulted on the day."
    ),
    Measure(
        "close_out_exposure",
        MONEY,
        PEAK,
        "Market value of what is lent in close-outs, at the end of the day.",
        label="lent in close-out",
    ),
    Measure(
        "liquidated_value",
        MONEY,
        FLOW,
        "Proceeds of collateral sold on the day: at true prices, after the sales' impact.",
    ),
    Measure(
        "residual_claims",
        MONEY,
        FLOW,
        "Claims that close-outs of the day left open: what is lent, at true prices, less what "
        "its collateral fetched.",
    ),
    Measure(
        "close_out_recovery",
        MONEY,
        FLOW,
        "What estates of defaulters paid on the day on residual claims.",
        label="recovery",
    ),
    Measure(
        "close_out_loss",
        MONEY,
        FLOW,
        "Residual claims less what estates paid on the day; below zero on days on which they pay "
        "for claims of earlier ones.",
        label="close-out loss",
    ),
    Measure(
        "close_out_surplus",
        MONEY,
        FLOW,
        "Proceeds above the claim, returned to the defaulter; at true prices.",
        label="close-out surplus",
    ),
    Measure(
        "hhi_lenders",
        "index",
        LEVEL,
        "Concentration of exposures over lenders: sum of squared shares, 1 is one lender.",
        label="concentration over lenders",
    ),
    Measure(
        "hhi_collateral",
        "index",
        LEVEL,
        "Concentration of posted collateral over tokens.",
        label="concentration of collateral",
    ),
    Measure(
        "wallet_value",
        MONEY,
        LEVEL,
        "Market value of the tokens in participants' wallets, cash left out.",
    ),
    Measure(
        "gas",
        "gas",
        FLOW,
        "Gas of the day's transactions, where the ledger is on an Ethereum machine; else 0.",
    ),
    *OF_SHEETS,
)
"""Valued at the published prices of the day unless one says otherwise."""

BY_NAME = {measure.name: measure for measure in MEASURES}
