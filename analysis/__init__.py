"""What results mean: pure functions from DataFrames to DataFrames, numbers and figures."""
