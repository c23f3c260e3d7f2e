"""CRUXEval-X beyond Python: what plain data looks like in a language, its toolchain, and how a run of it is judged."""
