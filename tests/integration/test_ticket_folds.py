"""Folds: one contract, over every adapter; and tickets that are learnt by many workers over a real table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from candor.errors import Unavailable
from candor.tickets.folding import Folding, Folds, Sheet, Write
from candor.tickets.learning import Learning
from candor.tickets.values import Approval
from tests.doubles.knowledge import Knowledge
from tests.doubles.learnt import solved
from tests.doubles.tables import create_table


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def folds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folds]:
    from moto import mock_aws

    from candor.adapters.dynamodb_folds import DynamoFolds
    from candor.adapters.memory_folds import MemoryFolds

    if request.param == "memory":
        yield MemoryFolds()
    elif request.param == "moto":
        with mock_aws():
            yield DynamoFolds(create_table("ConfigTable"))
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
        yield DynamoFolds(create_table("ConfigTable"))


def test_a_record_is_written_once_and_read(folds: Folds) -> None:
    assert folds.read(["group#a", "band#b"]) == {}

    assert folds.write(Write(key="group#a", value={"leader": "Ünï", "others": [["x", 1]]}, revision_was=0))

    assert folds.read(["band#b", "group#a"]) == {
        "group#a": Sheet(value={"leader": "Ünï", "others": [["x", 1]]}, revision=1)
    }


def test_only_who_knows_the_latest_may_write(folds: Folds) -> None:
    folds.write(Write(key="group#a", value={"n": 1}, revision_was=0))
    folds.write(Write(key="group#a", value={"n": 2}, revision_was=1))

    assert not folds.write(Write(key="group#a", value={"n": 9}, revision_was=0))
    assert not folds.write(Write(key="group#a", value={"n": 9}, revision_was=1))
    assert not folds.write(Write(key="group#a", value=None, revision_was=1))
    assert folds.read(["group#a"])["group#a"] == Sheet(value={"n": 2}, revision=2)


def test_several_are_written_together_or_not_at_all(folds: Folds) -> None:
    folds.write(Write(key="group#a", value={"n": 1}, revision_was=0))

    refused = folds.write(
        Write(key="ticket#a", value={"n": 1}, revision_was=0),
        Write(key="group#a", value={"n": 9}, revision_was=0),
    )
    accepted = folds.write(
        Write(key="ticket#a", value={"n": 1}, revision_was=0),
        Write(key="group#a", value=None, revision_was=1),
        *(Write(key=f"band#{number}", value={"groups": ["a"]}, revision_was=0) for number in range(4)),
    )

    assert (refused, accepted) == (False, True)
    keys = ["group#a", "ticket#a", "band#0", "band#3"]
    assert sorted(folds.read(keys)) == ["band#0", "band#3", "ticket#a"]


def test_a_record_is_taken_away_and_may_come_again(folds: Folds) -> None:
    folds.write(Write(key="ticket#a", value={"n": 1}, revision_was=0))

    assert folds.write(Write(key="ticket#a", value=None, revision_was=1))
    assert folds.read(["ticket#a"]) == {}
    assert folds.write(Write(key="ticket#a", value={"n": 2}, revision_was=0))


def test_what_is_not_there_is_taken_away_already(folds: Folds) -> None:
    assert folds.write(Write(key="ticket#a", value=None, revision_was=0))
    assert not folds.write(Write(key="ticket#a", value=None, revision_was=1))


def test_many_keys_are_read_at_once(folds: Folds) -> None:
    for number in range(100):
        folds.write(Write(key=f"group#{number}", value={"text": "x" * 3_000}, revision_was=0))

    assert len(folds.read([*(f"group#{number}" for number in range(100)), "group#0"][:100])) == 100


def test_of_many_who_begin_a_record_one_does(folds: Folds, request: pytest.FixtureRequest) -> None:
    # moto loses concurrent writes.
    workers = 1 if "moto" in request.node.name else 8
    with ThreadPoolExecutor(max_workers=workers) as pool:
        written = list(
            pool.map(lambda n: folds.write(Write(key="group#a", value={"n": n}, revision_was=0)), range(24))
        )

    assert sum(written) == 1


@pytest.mark.parametrize("workers", [1, 8])
def test_alike_tickets_learnt_at_once_are_one_document(
    folds: Folds, workers: int, request: pytest.FixtureRequest
) -> None:
    knowledge = Knowledge()
    learning = Learning(
        tickets=knowledge.tickets,
        documents=knowledge.documents,
        folding=Folding(folds),
        workers=1 if "moto" in request.node.name else workers,
    )
    drafts = [solved(str(number)) for number in range(24)]
    rows = [row for row, _ in knowledge.tickets.put(drafts, approval=Approval.APPROVED)]

    learning.follow([row.ticket_id for row in rows])

    (document,) = [row for row in knowledge.documents.all() if not row.deleted]
    members = Folding(folds).members(rows[0].ticket_id)
    assert sorted(members) == sorted(row.ticket_id for row in rows)
    assert document.url.rpartition("/")[2] == knowledge.tickets.get(members[0]).number


def test_a_table_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from candor.adapters.dynamodb_folds import DynamoFolds

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(Unavailable):
        DynamoFolds("NoSuchTable").read(["group#a"])
