"""What the child takes from itself before it touches a provider's file. Linux; elsewhere what the system offers.

Promises: bounded memory, processor time, files and file size; no socket, no new program, no other process. Called after
the imports and before the first byte is read, and cannot be undone.
"""

import contextlib
import ctypes
import errno
import importlib
import os
import resource
import sys
from typing import Any

ADDRESS_SPACE_BYTES = 3 * 2**29  # 1.5 GiB
OPEN_FILES_MAX = 64
FORBIDDEN_CALLS = (
    "socket", "socketpair", "connect", "bind", "accept", "accept4", "execve", "execveat", "fork", "vfork", "ptrace",
    "kill", "tkill", "io_uring_setup", "process_vm_readv", "process_vm_writev", "bpf", "mount", "unshare", "setns",
)  # fmt: skip
CLONE_NEWNET = 0x40000000
CLONE_THREAD = 0x00010000


def take(*, processor_seconds: int, file_bytes: int) -> None:
    """Requires a process of its own: nothing of this is ever given back."""
    _limit(resource.RLIMIT_AS, ADDRESS_SPACE_BYTES)
    _limit(resource.RLIMIT_CPU, processor_seconds)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES_MAX)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _leave_the_network()
        _forbid_calls()


def _limit(which: int, amount: int) -> None:
    _, hard = resource.getrlimit(which)
    amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(which, (amount, amount))


def _leave_the_network() -> None:
    # Only root may, and not in every container: the filter below forbids sockets in any case.
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET)


def _forbid_calls() -> None:
    # A system without libseccomp still has every other limit.
    with contextlib.suppress(ImportError, RuntimeError, OSError):
        seccomp: Any = importlib.import_module("pyseccomp")
        rules = seccomp.SyscallFilter(seccomp.ALLOW)
        for call in FORBIDDEN_CALLS:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), call)
        # A thread is a clone that says so; `clone3` hides its flags, and the C library can do without it.
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
        rules.load()
