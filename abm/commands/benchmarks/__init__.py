"""What `collateral bench` measures."""
