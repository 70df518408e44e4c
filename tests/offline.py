"""Runs everything that CI checks, with no network but this machine's own: `python -m tests.offline`.

On Linux the tests run in a network namespace that holds nothing but a loopback interface: what tries to leave
fails, whatever language it is written in. Where the kernel refuses a namespace, and on other systems, the run says
so, and a guard inside Python (tests/guard.py) stands in.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys

NAMESPACE = "AGENTSDK_TESTS_NAMESPACE"
"""Set inside the namespace; tests/test_offline.py checks by it that the outside cannot be reached."""

CHECKS = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
]


def main() -> int:
    """Run the checks, then the tests; return the first exit code that is not 0."""
    if "--inside" in sys.argv:
        return inside([a for a in sys.argv[1:] if a != "--inside"])
    for check in CHECKS:
        print("$", *check, flush=True)
        code = subprocess.run([sys.executable, "-m", *check], check=False).returncode
        if code:
            return code
    return enclosed([sys.executable, "-m", "tests.offline", "--inside", *sys.argv[1:]])


def enclosed(command: list[str]) -> int:
    """Run a command in a network namespace, where there is one to be had; it calls `enter` first."""
    if unshare := _unshare():
        print("tests run in a network namespace with only loopback", flush=True)
        return subprocess.run([*unshare, *command], env={**os.environ, NAMESPACE: "1"}, check=False).returncode
    print(
        "NO NETWORK NAMESPACE HERE: a guard inside Python keeps the tests on this machine instead", flush=True
    )
    return subprocess.run(command, check=False).returncode


def enter() -> None:
    """Raise loopback, in a namespace that has just been made."""
    if os.environ.get(NAMESPACE):
        _raise_loopback()


def inside(arguments: list[str]) -> int:
    """Run pytest."""
    enter()
    workers = [] if any(a.startswith("-n") for a in arguments) else ["-n", "auto"]
    command = [sys.executable, "-m", "pytest", "-p", "tests.guard", *workers, *arguments]
    print("$ pytest", *workers, *arguments, flush=True)
    return subprocess.run(command, check=False).returncode


def _unshare() -> list[str] | None:
    """Return the command that makes a network namespace, or None where there is none to be had."""
    found = shutil.which("unshare")
    if not found or sys.platform != "linux":
        return None
    for command in ([found, "-rn"], [found, "-n"]):
        test = [*command, sys.executable, "-c", "from tests.offline import _raise_loopback; _raise_loopback()"]
        if subprocess.run(test, capture_output=True, check=False).returncode == 0:
            return command
    return None


def _raise_loopback() -> None:
    """Bring `lo` up, as `ip link set lo up` does: SIOCSIFFLAGS with IFF_UP and IFF_RUNNING (netdevice(7))."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


if __name__ == "__main__":
    sys.exit(main())
