"""What is counted each day."""
