"""Studies over several runs: ablation, capacity, leaderboard, listening test."""
