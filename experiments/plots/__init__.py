"""Pictures of runs; one module a picture, reading run folders only."""
