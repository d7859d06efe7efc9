"""Webhooks' store: one contract, over every adapter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from moto import mock_aws

from candor.adapters.dynamodb_hooks import DynamoHooks
from candor.adapters.memory_hooks import MemoryHooks
from candor.errors import NotFound
from candor.webhooks.store import Hooks
from candor.webhooks.values import Event, Hook, LastStatus, Status
from tests.doubles.tables import create_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOOK = Hook(
    hook_id="h1",
    url="https://desk.example.com/candor?key=ü",
    events=frozenset({Event.ANSWER, Event.JOB}),
    sealed="kms1:abc",
    created_at=NOW,
    updated_at=NOW,
)
FAILED = LastStatus(at=NOW, status=Status.RETRYING, error="The receiver answered with status 500.")


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def hooks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooks]:
    if request.param == "memory":
        yield MemoryHooks()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoHooks(create_table("ConfigTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoHooks(create_table("ConfigTable"))


def test_hooks_are_kept_whole_and_listed_oldest_first(hooks: Hooks) -> None:
    older = replace(HOOK, hook_id="h2", created_at=NOW - timedelta(days=1), enabled=False)
    hooks.add(HOOK)
    hooks.add(older)

    assert hooks.get("h1") == HOOK
    assert list(hooks.all()) == [older, HOOK]


def test_an_unknown_hook_is_not_found(hooks: Hooks) -> None:
    for call in (hooks.get, hooks.remove):
        with pytest.raises(NotFound):
            call("nobody")
    with pytest.raises(NotFound):
        hooks.change(HOOK)
    assert list(hooks.all()) == []


def test_a_change_keeps_the_last_status(hooks: Hooks) -> None:
    hooks.add(HOOK)
    hooks.note("h1", FAILED)

    changed = replace(HOOK, url="https://other.example.com/", events=frozenset({Event.ESCALATION}))
    hooks.change(changed)

    assert hooks.get("h1") == replace(changed, last_status=FAILED)


def test_a_status_keeps_the_rest_and_may_switch_off(hooks: Hooks) -> None:
    hooks.add(HOOK)
    delivered = LastStatus(at=NOW, status=Status.DELIVERED)

    hooks.note("h1", delivered)
    assert hooks.get("h1") == replace(HOOK, last_status=delivered)
    hooks.note("h1", FAILED, disable=True)
    assert hooks.get("h1") == replace(HOOK, last_status=FAILED, enabled=False)


def test_what_comes_too_late_brings_no_hook_back(hooks: Hooks) -> None:
    hooks.add(HOOK)
    hooks.remove("h1")

    hooks.note("h1", FAILED)

    with pytest.raises(NotFound):
        hooks.get("h1")
