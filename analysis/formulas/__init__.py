"""Closed forms and models of contagion that validate or interpret what the market does."""
