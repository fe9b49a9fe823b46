"""Extracts the bundled prices from the PyPI package `bokeh_sampledata` (2026.1 or later).

    pip install "bokeh_sampledata>=2026.1"
    python scenarios/data/extract_us_stocks.py

See README.md beside this file for provenance and columns.
"""

from pathlib import Path

import pandas as pd

TOKENS = ("AAPL", "GOOG", "IBM", "MSFT")


def extract() -> pd.DataFrame:
    """Unadjusted daily closes in US dollars, and shares traded, 2007 to 2010."""
    from bokeh_sampledata import stocks

    quotes = {
        token: pd.DataFrame(getattr(stocks, token)).set_index("date").loc["2007-01-01":"2010-12-31"]
        for token in TOKENS
    }
    closes = {token: quotes[token]["close"].map("{:.2f}".format) for token in TOKENS}
    return pd.DataFrame(closes | {f"{token} volume": quotes[token]["volume"] for token in TOKENS})


if __name__ == "__main__":
    target = Path(__file__).with_name("us_stocks_2007_2010.csv")
    extract().to_csv(target)
    print(f"wrote {target}")
