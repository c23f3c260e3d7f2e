"""A process that somebody asks to end says that it was interrupted."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import os, signal, sys
from table_rewards.commands import main
from table_rewards.core.ending import ended_as_interrupted

def run(words):
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does
    ended_as_interrupted()
    os.kill(os.getpid(), signal.SIGTERM)
    return 0

main._run = run
sys.exit(main.main([]))
"""


def test_a_request_to_end_is_an_interrupt_whatever_ray_made_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (130, "interrupted")


def test_a_thread_leaves_the_signals_alone() -> None:
    code = "import threading; from table_rewards.core.ending import ended_as_interrupted as end\n"
    code += "thread = threading.Thread(target=end); thread.start(); thread.join()\n"
    code += "import signal; assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0
