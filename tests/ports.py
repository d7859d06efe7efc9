"""Ports: one of this machine that nobody has, for a server that is started in a moment."""

import contextlib
import os
import random
import socket

_given: set[int] = set()
"""Ports that somebody has been given and may not have taken yet."""


def free_port() -> int:
    """
    Below those that outgoing connections take: what is killed comes back to the one it had.

    Of the parallel test processes each takes ports of its own, and of two runs side by side any: the first
    free one would be the same for both while neither's server has come up.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    for port in random.sample(range(21_000 + worker, 32_000, 8), 200):
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise RuntimeError("there is no free port between 21000 and 32000")
