"""What results mean: pure functions from DataFrames to DataFrames, numbers and figures."""

from analysis.errors import ResultsError
from analysis.results import LazyTable, Results, read_results

__all__ = ["LazyTable", "Results", "ResultsError", "read_results"]
