"""The agents of the market, one class a file."""
