"""The code that runs outside the trainer: nursery, supervisors and children.

Nothing in here imports the rest of the library. The nursery loads this folder as a package of its own, so that a child
starts from a small process in which no library, no reference and no reward exists.
"""
