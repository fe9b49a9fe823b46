"""Extracts the bundled prices from the PyPI package `bokeh_sampledata` (2026.1 or later).

    pip install "bokeh_sampledata>=2026.1"
    python scenarios/data/extract_us_stocks.py

See README.md beside this file for provenance and columns.
"""

from pathlib import Path

import pandas as pd

TOKENS = ("AAPL", "GOOG", "IBM", "MSFT")


def extract() -> pd.DataFrame:
    """Unadjusted daily closes in US dollars, 2007 to 2010, one column a stock."""
    from bokeh_sampledata import stocks

    series = {}
    for token in TOKENS:
        quotes = pd.DataFrame(getattr(stocks, token))
        series[token] = pd.Series(
            quotes["close"].to_numpy(), index=pd.DatetimeIndex(quotes["date"], name="date")
        )
    return pd.DataFrame(series).loc["2007-01-01":"2010-12-31"]


if __name__ == "__main__":
    target = Path(__file__).with_name("us_stocks_2007_2010.csv")
    extract().to_csv(target, date_format="%Y-%m-%d", float_format="%.2f")
    print(f"wrote {target}")
