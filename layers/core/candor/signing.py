"""
Signing: who sent a body, and when, told by a header that only a shared secret can make.

`t=<unix>,v1=<hex>`: HMAC-SHA256 of `<unix>.<body>`. What we send and what is sent to us are signed alike.
"""

import hashlib
import hmac
import re
from typing import Final

from candor.errors import Refused

HEADER: Final = "X-Candor-Signature"

WINDOW_SECONDS: Final = 300
"""By how much the clocks of both sides may differ; an older signature is worth nothing any more."""

_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-fA-F]{64})", re.ASCII)


def signature(secret: str, body: bytes, *, at: int) -> str:
    """The header for this body, sent at that second."""
    return f"t={at},v1={_mac(secret, body, str(at))}"


def verify(secret: str, body: bytes, given: str, *, now: float) -> None:
    """`Refused`, with a sentence, unless the header was made of this body with the secret, just now."""
    found = _SIGNATURE.fullmatch(given.strip())
    if found is None:
        raise Refused(f"{HEADER} is missing, or not written as t=<unix>,v1=<hex>.")
    at, mac = found.groups()
    # The signature first: whoever cannot sign learns nothing about our clock.
    if not secret or not hmac.compare_digest(_mac(secret, body, at), mac.lower()):
        raise Refused("The signature is not that of this body: both sides need the same secret.")
    if abs(now - int(at)) > WINDOW_SECONDS:
        raise Refused(
            f"The signature is more than {WINDOW_SECONDS // 60} minutes away from our clock: "
            "set the clock of the machine that sent it."
        )


def _mac(secret: str, body: bytes, at: str) -> str:
    return hmac.new(secret.encode(), at.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()
