"""What days and results are measured by alike: plain functions, compiled where it counts."""
