"""RL Tango's training data, evaluation sets and generation settings."""
