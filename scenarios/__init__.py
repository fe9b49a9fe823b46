"""What world is simulated: prices, participants, network, agreements, shocks."""
