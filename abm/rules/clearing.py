"""What estates pay to one another and to everybody else: the greatest clearing vector, in units."""

from __future__ import annotations

from collections.abc import Mapping

ROUNDS = 10_000
"""After which those who still wait for one another pay from their own cash alone."""

Claims = Mapping[int, Mapping[int, int]]
"""By debtor what each creditor has against it."""


def clearing(claims: Claims, cash: Mapping[int, int]) -> dict[int, dict[int, int]]:
    """What each debtor pays to each creditor: all it owes, or all it has, in proportion to claims.

    What a debtor gets from the others counts among what it has: the greatest fixed point of
    `p = min(p̄, e + Πᵀp)` (Eisenberg and Noe 2001), found from above, everybody paying in full at
    first. In whole units: shares are rounded down until nothing changes any more, and what is then
    left goes to the largest remainders, to those named first where they are equal.

    Args:
        claims: above zero; creditors can be debtors themselves.
        cash: of every debtor, not negative; what is missing is nothing.
    """
    owed = {debtor: sum(of.values()) for debtor, of in claims.items()}
    paid = dict(owed)
    for _ in range(ROUNDS):
        has = {debtor: cash.get(debtor, 0) for debtor in claims}
        for debtor, of in claims.items():
            for creditor, claim in of.items():
                if creditor in has:
                    has[creditor] += paid[debtor] * claim // owed[debtor]
        lower = {debtor: min(paid[debtor], has[debtor]) for debtor in claims}
        if lower == paid:
            break
        paid = lower
    else:
        paid = {debtor: min(owed[debtor], cash.get(debtor, 0)) for debtor in claims}
    return {debtor: in_proportion(paid[debtor], of) for debtor, of in claims.items()}


def in_proportion(amount: int, claims: Mapping[int, int]) -> dict[int, int]:
    """An amount, not above the sum of the claims, shared by them (largest remainder)."""
    total = sum(claims.values())
    shares = {creditor: amount * claim // total for creditor, claim in claims.items()}
    remainders = {creditor: amount * claim % total for creditor, claim in claims.items()}
    for creditor in sorted(claims, key=lambda each: -remainders[each]):
        if sum(shares.values()) == amount:
            break
        shares[creditor] += 1
    return shares
