"""Tells systemd how the server is, where systemd started it. Source: sd_notify(3)."""

import os
import socket
from contextlib import suppress


def notify(words: str) -> None:
    """Say "READY=1" or "STOPPING=1"; nothing is said where nobody asked for it or nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        line.sendall(words.encode())
