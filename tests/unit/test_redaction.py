"""Secrets are masked, ordinary words are not."""

import time

import pytest

from candor.redaction import MASK, masked


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("My card is 4111 1111 1111 1111, thanks", "4111 1111 1111 1111"),
        ("card 5500-0000-0000-0004 declined", "5500-0000-0000-0004"),
        ("my password is Hunter2!x ok?", "Hunter2!x"),
        ("Password: s3cr3t", "s3cr3t"),
        ("пароль: Кошка77", "Кошка77"),
        ("Mein Passwort ist Sommer2024", "Sommer2024"),
        ("key sk-proj-abcdefghijklmnop1234", "sk-proj-abcdefghijklmnop1234"),
        ("AKIAIOSFODNN7EXAMPLE is the key", "AKIAIOSFODNN7EXAMPLE"),
        ("token ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ("Authorization: Bearer abcdefghijklmnop1234567", "abcdefghijklmnop1234567"),
        ("mysql://root:topsecret@db.example/x", "topsecret"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ],
)
def test_a_secret_is_masked(text: str, secret: str) -> None:
    cleaned = masked(text)

    assert secret not in cleaned
    assert MASK in cleaned
    assert masked(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "It says my password is incorrect",
        "The password is expired, what now?",
        "order 4111111111111112 is missing",
        "ticket 1234567890123456789012",
        "version 1.2.3.4 on 192.168.100.200",
        "${HOME} UNION SELECT name FROM users",
        "I forgot my password",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text


def test_masking_takes_linear_time() -> None:
    hostile = "password is " * 4_000 + "4" * 20_000 + " -----BEGIN PRIVATE KEY-----" * 500

    started = time.perf_counter()
    masked(hostile)

    assert time.perf_counter() - started < 2.0
