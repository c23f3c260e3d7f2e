"""Files of scores: writing them, reading them, and what they say."""
