"""What happens on a day, and the primitives that move tokens."""
