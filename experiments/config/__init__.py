"""Configuration: what an experiment is, as frozen dataclasses, TOML files and presets."""
