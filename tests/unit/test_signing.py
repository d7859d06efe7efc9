"""Signatures: whoever has the secret can make one, and nobody else, and not for long."""

import hashlib
import hmac

import pytest

from candor.errors import Refused
from candor.signing import WINDOW_SECONDS, signature, verify

SECRET = "a-secret-of-both-sides"
BODY = '{"text": "Ответ"}'.encode()


def test_a_signature_is_what_the_contract_says() -> None:
    # Written out as a receiver would, without our code.
    expected = hmac.new(SECRET.encode(), b"1767225600." + BODY, hashlib.sha256).hexdigest()

    assert signature(SECRET, BODY, at=1_767_225_600) == f"t=1767225600,v1={expected}"


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS, 0, WINDOW_SECONDS])
def test_a_fresh_signature_is_taken(seconds: int) -> None:
    verify(SECRET, BODY, signature(SECRET, BODY, at=1_000_000), now=1_000_000 + seconds)


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1])
def test_a_signature_of_another_time_is_refused(seconds: int) -> None:
    with pytest.raises(Refused, match="clock"):
        verify(SECRET, BODY, signature(SECRET, BODY, at=1_000_000), now=1_000_000 + seconds)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "v1=00",
        "t=1000000",
        signature("another-secret-0123", BODY, at=1_000_000),
        signature(SECRET, BODY + b" ", at=1_000_000),
        signature(SECRET, BODY, at=1_000_000).replace("t=1000000", "t=1000001"),
        signature(SECRET, BODY, at=1_000_000) + ",v1=00",
        signature(SECRET, BODY, at=1_000_000).replace("t=", "t=٣"),
        "t=1000000,v1=" + "é" * 64,
        "t=99999999999999999999,v1=" + "0" * 64,
    ],
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(Refused):
        verify(SECRET, BODY, given, now=1_000_000)


def test_without_a_secret_nothing_is_taken() -> None:
    with pytest.raises(Refused):
        verify("", BODY, signature("", BODY, at=1_000_000), now=1_000_000)
