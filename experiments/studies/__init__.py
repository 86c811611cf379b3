"""Studies across runs: sweeps, capacity, leaderboard, listening test."""
