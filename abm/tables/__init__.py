"""The DataFrames and the graph that come out of a market."""
