"""The warm process that all others are forked from: it imports, warms up, forks supervisors, runs no job itself.

Argument: the descriptor of the control socket and a JSON configuration. The trainer sends one descriptor for each slot
it wants served; the end of the control socket is the end of everything.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import posix
import random
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from . import child, supervisor, wire, workdir
from .encoding import encode
from .lockdown import landlock, seccomp
from .lockdown.kernel import LINUX, libc

STACK_BYTES = 256 << 20
BYTES_OVERHEAD = sys.getsizeof(b"")
POOL, POOL_OVERHEAD = 16 << 10, 48  # of CPython's allocator since 3.10
MOST_GAPS = 10_000  # of one size, should the allocator be another
os_register_at_fork = posix.register_at_fork
_fillers: list[object] = []


def main(control_fd: str, text: str) -> None:
    config = json.loads(text)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # inherited by every child: where memory runs out, the snippet goes, never the trainer
    control = socket.socket(fileno=int(control_fd))
    control.set_inheritable(False)
    _deep_stack()
    threading.stack_size(8 << 20)  # without it a thread takes as much address space as the deep stack
    missing = warm_up(config["preload"])
    os.register_at_fork = os_register_at_fork  # see boot.py
    random.seed(0)
    plan = _plan(config)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    child.rehearse(bool(config["seccomp"]))
    if f"{__package__}.trusted_tests" in sys.modules:
        sys.modules[f"{__package__}.trusted_tests"].rehearse()
    gc.collect()
    _tidy_memory()
    gc.freeze()
    plan = plan._replace(base_memory=child.address_space())
    control.sendall(wire.message({"ready": os.getpid(), "missing": missing, "threads": thread_count()}))
    parent, children = os.getppid(), set[int]()
    try:
        while os.getppid() == parent:
            control.settimeout(1.0)
            try:
                told, fds, _, _ = socket.recv_fds(control, 4096, 1)
            except TimeoutError:
                continue
            finally:
                _reap(children)
            if not told:
                break
            if fds:
                children.add(_fork_supervisor(control, plan, int(told), fds[0], config))
    except OSError:
        pass
    control.close()
    _end(children, config["root"])


def _tidy_memory() -> None:
    """Give back what is free, and fill the gaps between what is not.

    A fork and an exit pay for each page that is in use, a child for each that it writes to: what it allocates then lies
    side by side in a few pages, not in one gap here and one there.
    """
    if LINUX:
        with contextlib.suppress(AttributeError):  # of the GNU C library alone
            libc.malloc_trim(0)
    made: dict[int, Callable[[], object]] = {16: object, 32: partial(complex, 0, 1)}
    for size in range(16, 513, 16):
        make = made.get(size) or partial(bytes, size - BYTES_OVERHEAD)
        for _ in range(MOST_GAPS):
            filler = make()
            _fillers.append(filler)
            if id(filler) % POOL == POOL_OVERHEAD:  # the first of a new pool: no other has room
                break


def _fork_supervisor(control: socket.socket, plan: child.Plan, slot: int, fd: int, config: dict[str, Any]) -> int:
    own = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            supervisor.serve(plan, slot, config["root"], config["readable"], socket.socket(fileno=fd), own)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(fd)
    return pid


def _plan(config: dict[str, Any]) -> child.Plan:
    shared_files = config["uid"] is None or config["keep_capabilities"]
    abi = landlock.abi() if LINUX else 0
    code = b""
    if config["seccomp"]:
        code = seccomp.build(neuter_metadata=bool(shared_files), guard_truncate=bool(config["landlock"]) and abi < 3)
    return child.Plan(
        uid=config["uid"],
        keep_capabilities=config["keep_capabilities"],
        landlock=bool(config["landlock"]),
        seccomp=code,
        base_memory=child.address_space(),
        max_fd=min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096),
        slots=config["slots"],
    )


def _deep_stack() -> None:
    """Room for recursive programs. The kernel lets the main stack grow to the limit of the moment."""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    size = STACK_BYTES if hard == resource.RLIM_INFINITY else min(STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (size, hard))


def warm_up(preload: list[str]) -> list[str]:
    """Import, and touch once whatever sets itself up at first use, so that no child pays for it."""
    missing = []
    # pandas imports pyarrow where it finds it: a second thread, which must not exist before a fork, and 40 MB
    blocked = {name: None for name in ("pyarrow",) if name not in sys.modules}
    sys.modules.update(blocked)  # type: ignore[arg-type]
    for name in preload:
        try:
            importlib.import_module(name)
        except Exception as error:
            missing.append(f"{name} ({error})"[:200])
    for name in blocked:
        sys.modules.pop(name, None)
    compile("def f(x):\n  return [x]", "warm", "exec")
    traceback.format_exception(ValueError("warm"))
    json.loads(json.dumps(encode([1, 1.5, "a", (1,), {1: {2}}])))
    io.TextIOWrapper(io.BytesIO(), encoding="utf-8").close()
    if "pandas" in sys.modules:
        _warm_pandas()
    if "matplotlib.pyplot" in sys.modules:
        _warm_pyplot()
    return missing


def _warm_pandas() -> None:
    import pandas as pd

    frame = pd.read_csv(io.StringIO("a,b\nx,1\ny,2\n"))
    frame.groupby("a")["b"].sum().to_string()
    frame[frame.b > 1].sort_values("b").to_dict()
    str(frame)


def _warm_pyplot() -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([1, 2], label="a")
    axes.bar([1, 2], [3, 4])
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")
    plt.close("all")
    _close_fonts()


def _close_fonts() -> None:
    """A cached font reads glyphs from its open file on demand, and a child has none of our files: it opens its own."""
    from matplotlib import font_manager

    for name in ("get_font", "_get_font"):
        clear = getattr(getattr(font_manager, name, None), "cache_clear", None)
        if clear is not None:
            clear()


def thread_count() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def _reap(children: set[int]) -> None:
    while children:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            children.clear()
            return
        if not pid:
            return
        children.discard(pid)


def _end(children: set[int], root: str) -> None:
    """Supervisors see the end of their own sockets and clean up; after a moment the rest is ended and removed.

    One whose directory is gone only waits to see that the root goes too: nobody waits for it.
    """
    deadline = time.monotonic() + 1.0
    while children and workdir.slots(root) and time.monotonic() < deadline:
        _reap(children)
        time.sleep(0.005)
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except OSError:
            pass
    workdir.remove(root)
    os._exit(0)
