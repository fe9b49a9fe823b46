"""A slow and obvious market in plain Python, against which the compiled one is held."""
