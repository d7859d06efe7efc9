"""The vault, the drawers and the safe over them: one contract, over every adapter."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from candor.adapters.dynamodb_drawers import DynamoDrawers
from candor.adapters.kms_vault import PART, KmsVault
from candor.adapters.memory_vault import MemoryDrawers, MemoryVault
from candor.errors import Malformed, TooLarge, Unavailable
from candor.vault import MAX_BYTES, Drawer, Drawers, Safe, Vault
from tests.doubles.clock import NOON, Clock
from tests.doubles.tables import create_table

SECRET = b"correct horse battery staple"
PURPOSE = {"config": "whmcs.password"}


def _key() -> str:
    made: str = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    return made


@pytest.fixture(params=["memory", "moto", "ministack"])
def vault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    if request.param == "memory":
        yield MemoryVault()
    elif request.param == "moto":
        with mock_aws():
            yield KmsVault(_key())
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield KmsVault(_key())


@pytest.mark.parametrize("size", [0, 1, PART - 33, PART - 32, PART - 31, PART, 3 * PART, MAX_BYTES])
def test_what_is_sealed_opens_whatever_its_length(vault: Vault, size: int) -> None:
    secret = bytes(number % 251 for number in range(size))

    sealed = vault.seal(secret, PURPOSE)

    assert vault.open(sealed, PURPOSE) == secret
    assert sealed.isascii()


def test_sealed_it_tells_nothing_and_is_never_the_same_twice(vault: Vault) -> None:
    one, other = vault.seal(SECRET, PURPOSE), vault.seal(SECRET, PURPOSE)

    assert one != other
    assert "horse" not in one


def test_it_opens_only_for_what_it_was_sealed_for(vault: Vault) -> None:
    sealed = vault.seal(SECRET, PURPOSE)

    for other in ({"config": "whmcs.api_secret"}, {**PURPOSE, "more": "x"}, {"drawer": "x"}):
        with pytest.raises(Malformed):
            vault.open(sealed, other)


def test_what_was_changed_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(bytes(3 * PART), PURPOSE)
    head, *parts = sealed.split(".")
    changed = [
        "",
        "nonsense",
        sealed[:-4],
        sealed + "AAAA",
        sealed[:-9] + ("B" if sealed[-9] != "B" else "C") + sealed[-8:],
        ".".join((head, *reversed(parts))) + ("" if len(parts) > 1 else "x"),
        ".".join((head, *parts[:-1])),
    ]

    for text in changed:
        with pytest.raises(Malformed):
            vault.open(text, PURPOSE)


def test_parts_of_two_secrets_for_the_same_cannot_be_exchanged(vault: Vault) -> None:
    one, other = (vault.seal(bytes([number]) * 2 * PART, PURPOSE).split(".") for number in (1, 2))

    with pytest.raises(Malformed):
        vault.open(".".join((*one[:-1], other[-1] + ("" if len(one) > 2 else "x"))), PURPOSE)


def test_a_secret_that_is_too_long_is_refused(vault: Vault) -> None:
    with pytest.raises(TooLarge):
        vault.seal(bytes(MAX_BYTES + 1), PURPOSE)


def test_no_part_is_longer_than_kms_takes() -> None:
    lengths: list[int] = []

    class Counting:
        def encrypt(self, *, Plaintext: bytes, **_: Any) -> dict[str, bytes]:  # noqa: N803
            lengths.append(len(Plaintext))
            return {"CiphertextBlob": Plaintext}

    KmsVault("key", client=Counting).seal(bytes(MAX_BYTES), PURPOSE)

    assert max(lengths) <= 4_096
    assert sum(lengths) == MAX_BYTES + 32


def test_a_key_that_is_not_there_is_unavailable() -> None:
    with mock_aws():
        vault = KmsVault("00000000-0000-4000-8000-000000000000")

        with pytest.raises(Unavailable):
            vault.seal(SECRET, PURPOSE)


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def drawers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Drawers:
    if request.param == "memory":
        return MemoryDrawers(clock)
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    return DynamoDrawers(create_table("ConfigTable"), clock=clock)


def test_what_is_put_into_a_drawer_lies_there_until_it_is_taken_out(drawers: Drawers) -> None:
    assert drawers.get("cookies") is None

    drawers.put("cookies", Drawer(shown={"count": 2, "names": ["ä", "b"]}, sealed="x.y"))
    drawers.put("other", Drawer(shown={}))

    assert drawers.get("cookies") == Drawer(shown={"count": 2, "names": ["ä", "b"]}, sealed="x.y")
    drawers.put("cookies", Drawer(shown={"count": 3}))
    assert drawers.get("cookies") == Drawer(shown={"count": 3})
    drawers.delete("cookies")
    drawers.delete("cookies")
    assert drawers.get("cookies") is None
    assert drawers.get("other") == Drawer(shown={})


def test_a_drawer_is_empty_when_its_time_has_passed(drawers: Drawers, clock: Clock) -> None:
    drawers.put("order", Drawer(shown={}, sealed="x"), expires_at=NOON + timedelta(minutes=1))
    assert drawers.get("order") is not None

    clock.now += timedelta(minutes=1)

    assert drawers.get("order") is None


def test_a_safe_opens_what_was_kept_and_shows_what_may_be_seen(drawers: Drawers, clock: Clock) -> None:
    safe = Safe(vault=MemoryVault(), drawers=drawers, clock=clock)

    safe.keep("cookies", {"WHMCS": "pässword"}, shown={"count": 1}, seconds=60)

    assert safe.opened("cookies") == {"WHMCS": "pässword"}
    assert safe.shown("cookies") == {"count": 1}
    kept = drawers.get("cookies")
    assert kept is not None
    assert "pässword" not in repr(kept)
    clock.now += timedelta(minutes=2)
    assert safe.opened("cookies") is None


def test_a_secret_carried_into_another_drawer_does_not_open_there(drawers: Drawers) -> None:
    safe = Safe(vault=MemoryVault(), drawers=drawers)
    safe.keep("a", {"x": 1})
    kept = drawers.get("a")
    assert kept is not None

    drawers.put("b", kept)

    with pytest.raises(Malformed):
        safe.opened("b")
