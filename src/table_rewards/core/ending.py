"""How a process ends that somebody asks to end."""

from __future__ import annotations

import signal
import threading


def ended_as_interrupted() -> None:
    """Let SIGTERM interrupt as Ctrl-C does, where this is the main thread, which alone may say so.

    Ray, once started, answers SIGTERM with ``sys.exit(15)``, which nobody can tell from an exit of a reward's.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
