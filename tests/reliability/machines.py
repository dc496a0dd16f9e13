"""Machines on a small network: each a network namespace, whose line can be cut, thinned or made lossy."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_numbers = itertools.count(os.getpid() % 4096 * 4)


class Machine:
    """A namespace with one line to this machine."""

    def __init__(self, name: str, here: str, address: str) -> None:
        self.name, self.address = name, address
        self._here = here
        """The line's end on this machine."""

    @property
    def within(self) -> tuple[str, ...]:
        """The command that runs another one there."""
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        """Take the line away; nobody is told."""
        _run(*self.within, "ip", "link", "set", "line", "down")

    def mend(self) -> None:
        """Have it back."""
        _run(*self.within, "ip", "link", "set", "line", "up")

    def lose(self, share: float, way: str) -> None:
        """Lose a share of all packets from now on, both ways; skips where this kernel has no such way."""
        if way == "netem":
            for before, end in (((), self._here), (self.within, "line")):
                _need(*before, "tc", "qdisc", "replace", "dev", end, "root", "netem", "loss", f"{share:.0%}")
            return
        rule = ("-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")
        for chain in ("INPUT", "OUTPUT"):
            _need(*self.within, "iptables", "-A", chain, *rule)

    def thin(self, kbit: int) -> None:
        """Let so many kilobits a second into the machine."""
        _need("tc", "qdisc", "replace", "dev", self._here, "root", "tbf", "rate", f"{kbit}kbit", *_BUFFER)


_BUFFER = ("burst", "16kbit", "latency", "400ms")


@contextmanager
def machine() -> Iterator[Machine]:
    """Give a machine; skips where there is no right to make one."""
    number = next(_numbers) % 16384
    name, here = f"stream-{number}", f"str{number}"
    ours, theirs = (f"10.213.{number // 64}.{number % 64 * 4 + end}" for end in (1, 2))
    _need("ip", "netns", "add", name)
    try:
        _need("ip", "link", "add", here, "type", "veth", "peer", "name", "line", "netns", name)
        _run("ip", "address", "add", f"{ours}/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        for device in ("lo", "line"):
            _run("ip", "netns", "exec", name, "ip", "link", "set", device, "up")
        _run("ip", "netns", "exec", name, "ip", "address", "add", f"{theirs}/30", "dev", "line")
        yield Machine(name, here, theirs)
    finally:
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def _need(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    except OSError as error:
        pytest.skip(f"{command[0]} is not here: {error.strerror} (Debian: iproute2, iptables)")
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
