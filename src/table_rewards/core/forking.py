"""What a module must do anew in a process that was forked: locks, threads and connections do not survive a fork."""

from __future__ import annotations

import os
from collections.abc import Callable


def renew_after_fork(renew: Callable[[], None]) -> None:
    """Have ``renew`` called in every process that is forked from this one, before it runs anything else.

    Does nothing on systems without fork.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
