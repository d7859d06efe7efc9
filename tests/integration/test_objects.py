"""Objects: one contract, over every adapter."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from candor.errors import NotFound
from candor.objects import Objects, mark_of
from tests.doubles import aws


@pytest.fixture(params=["memory", "moto", "ministack"])
def objects(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    from candor.adapters.memory_storage import MemoryObjects
    from candor.adapters.s3 import S3Objects

    if request.param == "memory":
        yield MemoryObjects()
    elif request.param == "moto":
        with mock_aws():
            yield S3Objects(aws.create_bucket())
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield S3Objects(aws.create_bucket())


def test_what_is_put_is_read_whole_and_as_a_stream(objects: Objects) -> None:
    objects.put("texts/ü a+b.txt", b"line one\nline two\n")

    assert objects.read("texts/ü a+b.txt") == b"line one\nline two\n"
    with objects.open("texts/ü a+b.txt") as stream:
        assert stream.read(4) == b"line"
        assert stream.read() == b" one\nline two\n"


def test_what_is_not_there_is_not_found(objects: Objects) -> None:
    assert objects.find("texts/nothing") is None
    with pytest.raises(NotFound):
        objects.read("texts/nothing")
    with pytest.raises(NotFound):
        objects.open("texts/nothing")


def test_deleting_twice_is_deleting_once(objects: Objects) -> None:
    objects.put("texts/a", b"x")
    objects.put("texts/b", b"x")

    objects.delete("texts/a", "texts/b")
    objects.delete("texts/a", "texts/b")
    objects.delete()

    assert objects.find("texts/a") is None


def test_only_what_lies_under_the_prefix_is_listed_by_key(objects: Objects) -> None:
    for key in ("listed/b", "listed/a", "other/c"):
        objects.put(key, b"12345")

    found = list(objects.list("listed/"))

    assert [(info.key, info.size) for info in found] == [("listed/a", 5), ("listed/b", 5)]


def test_a_mark_is_the_same_from_a_list_and_from_a_look(objects: Objects) -> None:
    objects.put("marks/a", b"one")

    looked = objects.find("marks/a")
    listed = next(objects.list("marks/"))

    assert looked is not None
    assert mark_of(looked) == mark_of(listed)


def test_other_bytes_have_another_mark(objects: Objects) -> None:
    objects.put("marks/a", b"one")
    before = objects.find("marks/a")
    objects.put("marks/a", b"two")
    after = objects.find("marks/a")

    assert before is not None
    assert after is not None
    assert mark_of(before) != mark_of(after)
