"""What world is simulated: prices, participants, network, agreements, shocks."""

from scenarios.shadows import refuse_shadows

refuse_shadows()
