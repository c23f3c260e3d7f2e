"""Hostile snippets that use something up: time, processes, memory, output, disk, the interpreter itself."""

from __future__ import annotations

from table_rewards.testing.sandbox.cases import read_cases

TIME = r"""
=== an endless loop [fast] -> timeout_cpu timeout_wall
def f(x):
    while True: pass
=== an endless loop at import -> timeout_cpu timeout_wall
while True: pass
=== ignores every signal and swallows every exception -> timeout_cpu timeout_wall
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
def f(x):
    while True:
        try:
            while True: pass
        except BaseException: pass
=== sleeps for ever -> timeout_wall
import time
def f(x):
    time.sleep(10**6)
=== stops itself -> timeout_wall
import os, signal
def f(x):
    os.kill(os.getpid(), signal.SIGSTOP)
=== a regex that explodes -> timeout_cpu timeout_wall
import re
def f(x):
    return re.match('(a+)+$', 'a' * 40 + 'b')
=== a power that explodes
def f(x):
    return len(str(7 ** 10**8 % 10**9)) + 7 ** 10**8
=== a storm of timer signals -> timeout_cpu timeout_wall
import signal
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)
def f(x):
    while True: pass
=== a thread that never ends -> timeout_wall
import threading, time
threading.Thread(target=lambda: time.sleep(10**6)).start()
=== loops at exit
import atexit
@atexit.register
def _():
    while True: pass
=== answers, then hangs -> timeout_wall
import time
print(41)
def f(x):
    print(42); time.sleep(10**6)
=== waits for input
import sys
def f(x):
    sys.stdin.read(); os.read(0, 1); input()
=== waits on a lock -> timeout_wall
import threading
def f(x):
    l = threading.Lock(); l.acquire(); l.acquire()
"""

PROCESSES = r"""
=== a fork bomb [fast]
for _ in range(7):
    attempt('fork', os.fork)
=== a daemon that outlives its job
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            import time; time.sleep(3)
            open('@DIR@/daemon', 'w')
        os._exit(0)
attempt('daemon', daemon)
=== a shell [fast]
import subprocess
attempt('shell', lambda: subprocess.run('id', shell=True))
=== os.system
code = os.system('touch @DIR@/made')
if code == 0: harm('os.system')
=== posix_spawn
attempt('spawn', lambda: os.posix_spawn('/bin/sh', ['sh', '-c', 'id'], {}))
=== execve
attempt('exec', lambda: os.execv('/bin/sh', ['sh', '-c', 'echo HARM: exec']))
=== multiprocessing
import multiprocessing as m
attempt('process', lambda: m.get_context('fork').Process(target=print).start())
=== fork by number
import platform
if platform.machine() == 'x86_64':
    syscall('fork', 57)
    syscall('vfork', 58)
=== clone by number
import platform
syscall('clone', 56 if platform.machine() == 'x86_64' else 220, 17, 0, 0, 0, 0)
b = ctypes.create_string_buffer(88)
syscall('clone3', 435, b, 88)
=== three thousand threads
import threading, time
n = 0
try:
    for _ in range(3000):
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1
except (RuntimeError, MemoryError): pass
if n > 600: harm(f'{n} threads')
"""

MEMORY = r"""
=== three gigabytes of heap [fast]
x = []
try:
    for _ in range(3000): x.append(bytearray(1 << 20))
except MemoryError: x = None
else: harm('3 GB')
=== one allocation of 100 GB
attempt('100 GB', lambda: bytearray(100 << 30))
=== memfd
def work():
    fd = os.memfd_create('x')
    for _ in range(40): os.write(fd, bytes(1 << 20))
attempt('memfd', work)
=== a shared mapping
import mmap
attempt('mmap', lambda: mmap.mmap(-1, 3 << 30).write(bytes(1 << 20)))
=== a million objects that double
def f(x):
    y = [0]
    while True: y = y + y
=== locked memory
C = libc()
if C.mlockall(3) == 0: harm('mlockall')
=== a value of 512 MB
def f(x):
    return 'a' * (512 << 20)
=== a list of lists without end
def f(x):
    y = []
    y.append(y)
    return y
"""

OUTPUT = r"""
=== stdout without end [fast] -> output_limit
c = b'x' * (1 << 20)
while True: os.write(1, c)
=== print without end -> output_limit timeout_cpu timeout_wall
def f(x):
    while True: print('y' * 1000)
=== stderr without end [fast] -> output_limit
while True: sys.stderr.write('e' * 4096)
=== the result pipe without end
c = b'x' * (1 << 16)
while True: os.write(3, c)
=== one line of 100 MB -> output_limit
print('z' * (100 << 20))
=== surrogates on stdout
sys.stdout.write('\ud800' * 100)
=== bytes that are no text [fast]
os.write(1, bytes(range(128, 256)) * 100)
=== terminal controls
print('\x1b[2J\x1b]0;owned\x07\x00')
"""

DISK = r"""
=== forty files of 10 MB -> disk_limit error ok timeout_cpu timeout_wall
for i in range(40):
    with open(f'f{i}', 'wb') as f:
        for _ in range(10): f.write(bytes(1 << 20))
=== one file of a gigabyte
def big():
    with open('big', 'wb') as f:
        for _ in range(1024): f.write(bytes(1 << 20))
attempt('1 GB', big)
=== twenty thousand files
for i in range(20000): open(str(i), 'w').close()
=== a tree 1500 deep
try:
    for _ in range(1500): os.mkdir('d'); os.chdir('d')
    open('x', 'w').close()
except OSError: pass
=== names that a shell would obey
for n in ("'; touch @DIR@/owned; '", '$(touch @DIR@/owned)', '-rf', '\n', '*', '\x01' + '1', 'a' * 255):
    try:
        os.mkdir(n); open(n + '/x', 'w').close()
    except OSError: pass
=== links to what is not its own
for i, t in enumerate(('@DIR@', '/etc', '/', '..', '.')):
 os.symlink(t, f'l{i}')
os.mkdir('sub'); os.symlink('@DIR@', 'sub/l')
attempt('hard link', lambda: os.link('@DIR@/public.txt', 'hard'))
=== directories that nobody may enter
os.makedirs('a/b/c'); open('a/b/c/x', 'w').close()
for p in ('a/b/c', 'a/b', 'a'): os.chmod(p, 0)
=== a pipe and a socket as files
for make in (lambda: os.mkfifo('p'), lambda: os.mknod('n')):
    try: make()
    except OSError: pass
"""

INTERPRETER = r"""
=== recursion into the C stack
sys.setrecursionlimit(10**9)
def g(n): return g(n + 1)
def f(x):
    try: return g(0)
    except RecursionError: return 0
=== recursion through repr
sys.setrecursionlimit(10**9)
y = []
for _ in range(10**5): y = [y]
def f(x):
    return repr(y)
=== a null pointer [fast] -> signal
ctypes.string_at(0)
=== abort -> signal
os.abort()
=== kills itself -> signal
os.kill(os.getpid(), 9)
=== closes all files [fast]
os.closerange(0, 64)
=== closes stdout
sys.stdout.close(); os.close(1)
=== takes the interpreter apart [fast]
import builtins
builtins.__import__ = None
sys.modules.clear()
=== no builtins at all
import builtins
for n in list(vars(builtins)):
    try: delattr(builtins, n)
    except Exception: pass
=== a trace function that raises
def t(*a): raise SystemExit(0)
sys.settrace(t); sys.setprofile(t)
=== code that cannot be compiled [fast]
@PARENTHESES@
=== a source of a million terms
x = @TERMS@
=== null bytes in the source
x = 1@NUL@
=== surrogates in the source
x = '@SURROGATE@'
"""

CASES = [
    *read_cases("time", TIME),
    *read_cases("processes", PROCESSES),
    *read_cases("memory", MEMORY),
    *read_cases("output", OUTPUT),
    *read_cases("disk", DISK),
    *read_cases("interpreter", INTERPRETER),
]
