"""Hostile snippets that reach out: for secrets, files, other processes, the network, the kernel."""

from __future__ import annotations

from table_rewards.testing.sandbox.cases import read_cases

SECRETS = r"""
=== the environment of its parent [fast]
attempt('environ', lambda: open(f'/proc/{os.getppid()}/environ').read())
=== the environment of the victim [fast]
attempt('environ', lambda: open('/proc/@VICTIM@/environ').read())
=== its own environment [fast]
print(dict(os.environ))
=== a secret file [fast]
attempt('read', lambda: open('@DIR@/secret.txt').read())
=== a world-readable file [fast]
attempt('read', lambda: open('@DIR@/public.txt').read())
=== the list of a directory
attempt('list', lambda: os.listdir('@DIR@'))
=== the password file
attempt('shadow', lambda: open('/etc/shadow').read())
=== every process's files
import glob
for p in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    attempt(p, lambda: open(p).read())
=== the memory of its parent
attempt('mem', lambda: open(f'/proc/{os.getppid()}/mem', 'rb').read(1))
=== the memory of the victim
b = ctypes.create_string_buffer(64)
class V(ctypes.Structure): _fields_ = [('b', ctypes.c_void_p), ('n', ctypes.c_size_t)]
l = V(ctypes.addressof(b), 64); r = V(id(object), 64)
n = libc().process_vm_readv(@VICTIM@, ctypes.byref(l), 1, ctypes.byref(r), 1, 0)
if n > 0: harm('process_vm_readv')
=== a debugger on the victim
for p in (@VICTIM@, os.getppid()):
    if libc().ptrace(16, p, 0, 0) == 0: harm('ptrace')
=== descriptors left open
import stat
for fd in range(3, 64):
    try: st = os.fstat(fd)
    except OSError: continue
    nameless = stat.S_ISREG(st.st_mode) and st.st_nlink == 0  # the stdin and stdout of a test
    if fd not in (3, 4) and not nameless: harm(f'fd {fd}')
=== memory left by the job before
import gc
base = id(object())
hits = 0
for o in gc.get_objects():
    if type(o) in (bytes, str, dict, list, tuple) and ''.join(['pre', 'vious-token']) in repr(o)[:20000]: hits += 1
if hits: harm('previous job')
"""

FILES = r"""
=== deletes the home directory [fast]
import shutil
shutil.rmtree('@DIR@', ignore_errors=True)
shutil.rmtree(os.path.expanduser('~'), ignore_errors=True)
=== overwrites a checkpoint [fast]
attempt('write', lambda: open('@DIR@/checkpoint.bin', 'wb').write(b'x'))
=== appends to a checkpoint
attempt('append', lambda: open('@DIR@/checkpoint.bin', 'ab').write(b'x'))
=== empties a checkpoint
attempt('truncate', lambda: os.truncate('@DIR@/checkpoint.bin', 0))
=== empties it while reading
attempt('O_TRUNC', lambda: os.open('@DIR@/checkpoint.bin', os.O_RDONLY | os.O_TRUNC))
=== renames a checkpoint
attempt('rename', lambda: os.rename('@DIR@/checkpoint.bin', '@DIR@/gone'))
=== moves a checkpoint into its own directory
attempt('rename', lambda: os.rename('@DIR@/checkpoint.bin', 'mine'))
=== links a checkpoint away
attempt('unlink', lambda: os.unlink('@DIR@/checkpoint.bin'))
=== opens up modes
for p in ('@DIR@', '@DIR@/secret.txt'):
    try: os.chmod(p, 0o777)
    except OSError: pass
=== touches times
try: os.utime('@DIR@/checkpoint.bin', (1, 1))
except OSError: pass
=== a file in a world-writable directory
attempt('create', lambda: open('@DIR@/open/made', 'w').close())
=== a file in /tmp
attempt('create', lambda: open('/tmp/table-rewards-canary', 'w').close())
=== a file in /dev/shm [fast]
attempt('create', lambda: open('/dev/shm/table-rewards-canary', 'w').close())
=== a file in the directory above
attempt('create', lambda: open('../made', 'w').close())
=== Python's own files
import json
attempt('patch', lambda: open(json.__file__, 'a').write('#'))
attempt('site', lambda: open(os.path.join(os.path.dirname(os.__file__), 'sitecustomize.py'), 'w').close())
=== a link, then through it
os.symlink('@DIR@/secret.txt', 'l')
attempt('read through', lambda: open('l').read())
=== a descriptor to the root
fd = None
try: fd = os.open('/', os.O_PATH)
except OSError: pass
if fd is not None: attempt('openat', lambda: os.open('@DIR@/secret.txt'.lstrip('/'), os.O_RDONLY, dir_fd=fd))
"""

OTHERS = r"""
=== kills its parent [fast]
attempt('kill', lambda: os.kill(os.getppid(), 9))
=== kills the victim [fast]
attempt('kill', lambda: os.kill(@VICTIM@, 9))
=== kills everybody [fast]
attempt('kill -1', lambda: os.kill(-1, 9))
=== kills its group
os.kill(0, 9)
=== stops the victim
import signal
attempt('stop', lambda: os.kill(@VICTIM@, signal.SIGSTOP))
=== kills every number
for p in range(2, 40000):
    if p != os.getpid():
        try: os.kill(p, 9); harm(f'kill {p}')
        except OSError: pass
=== a signal by the other calls
import platform
x = platform.machine() == 'x86_64'
b = ctypes.create_string_buffer(128)
syscall('tgkill', 234 if x else 131, @VICTIM@, @VICTIM@, 9)
syscall('tkill', 200 if x else 130, @VICTIM@, 9)
syscall('sigqueue', 129 if x else 138, @VICTIM@, 9, b)
syscall('pidfd_open', 434, @VICTIM@, 0)
=== a signal by a file's owner
import fcntl, socket
a, b = socket.socketpair()
def work():
    fcntl.fcntl(a, fcntl.F_SETOWN, @VICTIM@); fcntl.fcntl(a, 10, 9)
    fcntl.fcntl(a, fcntl.F_SETFL, fcntl.fcntl(a, fcntl.F_GETFL) | os.O_ASYNC); b.send(b'x')
attempt('SIGIO', work)
=== limits of the victim
import resource
attempt('prlimit', lambda: resource.prlimit(@VICTIM@, resource.RLIMIT_NOFILE, (3, 3)))
attempt('prlimit parent', lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)))
=== priority of the victim
attempt('nice', lambda: os.setpriority(os.PRIO_PROCESS, @VICTIM@, 19))
attempt('nice all', lambda: os.setpriority(os.PRIO_USER, 0, 19))
=== processors of the victim
attempt('affinity', lambda: os.sched_setaffinity(@VICTIM@, {0}))
=== raises its own limits
import resource
for w in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
    attempt('raise', lambda: resource.setrlimit(w, (resource.RLIM_INFINITY,) * 2))
=== leaves its session
attempt('setsid', os.setsid)
=== outlives its parent
if libc().prctl(1, 0, 0, 0, 0) == 0: harm('PDEATHSIG')
"""

NETWORK = r"""
=== a TCP connection [fast]
import socket
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', @PORT@), 1))
=== an HTTP request
import urllib.request
attempt('http', lambda: urllib.request.urlopen('http://127.0.0.1:@PORT@/', timeout=1))
=== a UDP packet
import socket
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53)))
=== an abstract socket
import socket
def work():
    s = socket.socket(socket.AF_UNIX); s.connect('\0@ABSTRACT@')
attempt('abstract', work)
=== a datagram through a socket pair
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
    def work():
        a, b = socket.socketpair(socket.AF_UNIX, kind)
        a.sendto(b'x', '\0@DGRAM@')
    attempt('dgram', work)
=== a server
import socket
attempt('listen', lambda: socket.create_server(('127.0.0.1', 0)))
=== the kernel's own sockets
import socket
for family in (16, 17, 38, 40):
    attempt(f'family {family}', lambda: socket.socket(family, socket.SOCK_RAW))
=== an event loop is still allowed
import asyncio
async def g(): await asyncio.sleep(0); return 5
print(asyncio.run(g()))
"""

KERNEL = r"""
=== a shared segment
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
syscall('shmget', 29 if x else 194, 0, 4096, 0o1600)
syscall('semget', 64 if x else 190, 0, 1, 0o1600)
syscall('msgget', 68 if x else 186, 0, 0o1600)
=== namespaces [fast]
for flags in (0x10000000, 0x40000000, 0x20000, 0x20000000):
    if libc().unshare(flags) == 0: harm(f'unshare {flags:#x}')
=== mounts
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
if libc().mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: harm('mount')
attempt('chroot', lambda: os.chroot('.'))
syscall('fsopen', 430, b'tmpfs', 0)
=== another user
attempt('setuid', lambda: os.setuid(0) if os.getuid() else os.setuid(1))
attempt('setgroups', lambda: os.setgroups([0]))
=== io_uring
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
syscall('io_uring', 425, 4, b)
=== bpf and perf
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
syscall('bpf', 321 if x else 280, 0, b, 128)
syscall('perf', 298 if x else 241, b, 0, -1, -1, 0)
=== page faults and keys
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
syscall('userfaultfd', 323 if x else 282, 1)
syscall('keyctl', 250 if x else 219, 0, -3, 1)
syscall('add_key', 248 if x else 217, b'user', b'x', b'y', 1, -3)
=== the clock and the host name
b = ctypes.create_string_buffer(256)
import platform
x = platform.machine() == 'x86_64'
attempt('clock', lambda: __import__('time').clock_settime(0, 0))
attempt('name', lambda: __import__('socket').sethostname('owned'))
=== the x32 numbering [x86_64]
syscall('x32 fork', 0x40000000 | 57)
=== the 32-bit door [x86_64]
import mmap
m = mmap.mmap(-1, 4096, prot=7)
m.write(bytes.fromhex('b802000000cd80c3'))
r = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
if r >= 0: harm(f'int80 fork {r}')
=== a handle instead of a path
b = ctypes.create_string_buffer(200)
ctypes.memmove(b, (128).to_bytes(4, 'little'), 4)
if libc().name_to_handle_at(-100, b'@DIR@/secret.txt', b, ctypes.byref(ctypes.c_int()), 0) == 0: harm('handle')
=== a new filter over ours
if libc().prctl(22, 0, 0, 0, 0) == 0: harm('seccomp off')
=== capabilities back
import struct
h = ctypes.create_string_buffer(struct.pack('<Ii', 0x20080522, 0))
d = ctypes.create_string_buffer(b'\xff' * 24)
if libc().capset(h, d) == 0: harm('capset')
=== watches files
C = libc()
fd = C.inotify_init1(0)
if fd >= 0 and C.inotify_add_watch(fd, b'@DIR@', 0xFFF) >= 0: harm('inotify')
=== calls of later kernels
for n in (463, 470, 500, 511, 1000):
 syscall(f'call {n}', n, 0, 0, 0)
"""

CASES = [
    *read_cases("secrets", SECRETS),
    *read_cases("files", FILES),
    *read_cases("others", OTHERS),
    *read_cases("network", NETWORK),
    *read_cases("kernel", KERNEL),
]
