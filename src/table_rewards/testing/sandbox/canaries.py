"""Things that a contained snippet cannot touch, set up around a check and looked at after every snippet."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

MARK = "table-rewards-canary"
_VICTIM = "import time\nwhile True: time.sleep(1)"


class Canaries:
    """A victim process of the same user, a directory with files, listeners; ``harm()`` says which were touched."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self.directory = tempfile.mkdtemp(prefix="table-rewards-check-")
        os.chmod(self.directory, 0o755)
        self.files = {"secret.txt": 0o600, "public.txt": 0o644, "checkpoint.bin": 0o666}
        for name, mode in self.files.items():
            path = os.path.join(self.directory, name)
            with open(path, "w") as file:
                file.write(self.token)
            os.chmod(path, mode)
            os.utime(path, (1_700_000_000, 1_700_000_000))
        os.mkdir(os.path.join(self.directory, "open"))
        os.chmod(os.path.join(self.directory, "open"), 0o777)
        environment = {**os.environ, "TABLE_REWARDS_CANARY": self.token}
        self.victim = subprocess.Popen([sys.executable, "-S", "-c", _VICTIM], env=environment)
        self.names = {"ABSTRACT": f"{MARK}-{self.token[:8]}", "DGRAM": f"{MARK}-dgram-{self.token[:8]}"}
        self.listeners = [socket.create_server(("127.0.0.1", 0))]
        if sys.platform.startswith("linux"):
            self.listeners += [self._unix("ABSTRACT", socket.SOCK_STREAM), self._unix("DGRAM", socket.SOCK_DGRAM)]
        self.before = self._state()

    def _unix(self, name: str, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.bind("\0" + self.names[name])
        if kind == socket.SOCK_STREAM:
            sock.listen()
        return sock

    def fill(self, code: str) -> str:
        """Put the real paths and numbers in place of ``@NAME@``."""
        places = {
            "VICTIM": str(self.victim.pid),
            "DIR": self.directory,
            "PORT": str(self.listeners[0].getsockname()[1]),
            **self.names,
        }
        for name, value in places.items():
            code = code.replace(f"@{name}@", value)
        return code

    def _state(self) -> dict[str, object]:
        """Everything that must stay as it is."""
        state: dict[str, object] = {}
        for name in self.files:
            path = os.path.join(self.directory, name)
            try:
                found = os.lstat(path)
                with open(path) as file:
                    state[f"file {name}"] = (file.read() == self.token, stat.S_IMODE(found.st_mode), found.st_mtime)
            except OSError as error:
                state[f"file {name}"] = repr(error)
        try:
            state["directory"] = (sorted(os.listdir(self.directory)), stat.S_IMODE(os.stat(self.directory).st_mode))
            state["world-writable directory"] = os.listdir(os.path.join(self.directory, "open"))
        except OSError as error:  # a snippet that nothing guards against has removed it: that is harm, not a fault
            state["directory"] = repr(error)
        for path in (f"/tmp/{MARK}", f"/dev/shm/{MARK}"):
            state[path] = os.path.exists(path)
        state["victim"] = (self.victim.poll(), *_process(self.victim.pid))
        state["trainer"] = _process(os.getpid())[1:]
        for kind in ("shm", "sem", "msg"):
            with contextlib.suppress(OSError), open(f"/proc/sysvipc/{kind}") as table:
                state[f"SysV {kind}"] = len(table.readlines())
        return state

    def harm(self) -> list[str]:
        """What was touched since the last look; repaired where it can be, so that one escape is counted once."""
        now = self._state()
        touched = [name for name, was in self.before.items() if now.get(name) != was]
        ready, _, _ = select.select(self.listeners, [], [], 0)
        for sock in ready:
            touched.append(f"connection to {sock.getsockname()!r}")
            if sock.type == socket.SOCK_STREAM:
                sock.accept()[0].close()
            else:
                sock.recv(1 << 16)
        self.before = now
        return touched

    def leaked(self, text: str) -> bool:
        """Whether a text holds what only the trainer's side knows."""
        return self.token in text

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for sock in self.listeners:
            sock.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        for path in (f"/tmp/{MARK}", f"/dev/shm/{MARK}"):
            with contextlib.suppress(OSError):
                os.unlink(path)


def _process(pid: int) -> tuple[str, ...]:
    """State, priority, affinity and limits of a process; 'S' and 'R' are the same to us, stopped and dead are not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            letter = file.read().rpartition(")")[2].split()[0]
        nice = str(os.getpriority(os.PRIO_PROCESS, pid))
        affinity = str(os.sched_getaffinity(pid))
        with open(f"/proc/{pid}/limits") as limits:
            return ("alive" if letter in "RSD" else letter, nice, affinity, limits.read())
    except (OSError, AttributeError):
        return ("unknown",)
