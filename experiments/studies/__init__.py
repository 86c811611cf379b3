"""Studies over several runs: sweeps, capacity, leaderboard, listening test."""
