"""One-time codes: the six digits of a second factor (RFC 6238 over RFC 4226), made from their secret."""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from typing import Final

from candor.errors import Invalid

STEP: Final = 30
"""Seconds that a code is shown for; servers take those of the neighbouring steps too."""
DIGITS: Final = 6

_BLANKS: Final = re.compile(r"[\s=-]+")


def code(secret: str, at: float) -> str:
    """The code at a moment (seconds since 1970). `secret` in base32, grouped and cased as one likes."""
    digest = hmac.new(_key(secret), struct.pack(">Q", step(at)), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step(at: float) -> int:
    """Which step a moment lies in. A server takes one code a step: the second use of it is a bad login."""
    return int(at) // STEP


def check(secret: str) -> None:
    """`Invalid`, with a sentence, for a secret that no code can be made of."""
    _key(secret)


def _key(secret: str) -> bytes:
    plain = _BLANKS.sub("", secret).upper()
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise Invalid(
            "The secret of the second factor cannot be read: it is the text of letters A-Z and digits 2-7 "
            "that WHMCS shows below its QR code, not the six digits of the app."
        )
    return key
