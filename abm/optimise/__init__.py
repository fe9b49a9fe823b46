"""Which collateral is cheapest to deliver: pure functions of arrays around SciPy's HiGHS."""
