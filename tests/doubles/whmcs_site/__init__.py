"""A WHMCS double on loopback, all of its own writing: see `site.WhmcsSite`."""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("candor") is None:  # `python -m tests.doubles.whmcs_site`, as a person starts it.
    sys.path.insert(0, str(Path(__file__).parents[3] / "layers" / "core"))

from tests.doubles.whmcs_site.site import COOKIE, IDENTIFIER, PASSWORD, SECRET, USERNAME, WhmcsSite
from tests.doubles.whmcs_site.truth import NOTE, Truth, alerts, tickets

__all__ = [
    "COOKIE",
    "IDENTIFIER",
    "NOTE",
    "PASSWORD",
    "SECRET",
    "USERNAME",
    "Truth",
    "WhmcsSite",
    "alerts",
    "tickets",
]
