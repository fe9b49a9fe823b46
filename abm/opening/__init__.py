"""From a scenario to the books of the first day."""
