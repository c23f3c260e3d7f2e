"""The kernel's own means, from the standard library and ctypes alone: seccomp, Landlock, user, capabilities, limits."""
