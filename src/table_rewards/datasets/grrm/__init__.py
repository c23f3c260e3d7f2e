"""GRRM's training data: groups of translations and their scores."""
