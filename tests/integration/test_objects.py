"""Objects: one contract, over every adapter."""

import urllib.request
from collections.abc import Iterator

import pytest
from moto import mock_aws

from candor.errors import NotFound, Unavailable
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


@pytest.mark.parametrize(("start", "rest"), [(0, b"0123456789"), (4, b"456789"), (10, b""), (99, b"")])
def test_a_stream_may_begin_anywhere(objects: Objects, start: int, rest: bytes) -> None:
    objects.put("source/a.sql", b"0123456789")

    with objects.open("source/a.sql", start=start) as stream:
        assert stream.read() == rest


def test_what_is_not_there_is_not_found(objects: Objects) -> None:
    assert objects.find("texts/nothing") is None
    with pytest.raises(NotFound):
        objects.read("texts/nothing")
    with pytest.raises(NotFound):
        objects.open("texts/nothing")


@pytest.mark.parametrize("size", [0, 1, 9 * 1024 * 1024])
def test_what_is_written_in_pieces_is_read_whole(objects: Objects, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    pieces = (body[start : start + 100_000] for start in range(0, size, 100_000))

    objects.write("exports/a.json", pieces, content_type="application/json")

    assert objects.read("exports/a.json") == body


def test_pieces_that_end_in_an_error_change_nothing(objects: Objects) -> None:
    objects.put("exports/a.json", b"old")

    def pieces() -> Iterator[bytes]:
        yield b"x" * (17 * 1024 * 1024)
        raise Unavailable("The database is not available right now.")

    with pytest.raises(Unavailable):
        objects.write("exports/a.json", pieces())

    assert objects.read("exports/a.json") == b"old"
    assert [info.key for info in objects.list("exports/")] == ["exports/a.json"]


def test_readers_see_the_old_object_until_the_new_one_is_whole(objects: Objects) -> None:
    objects.put("exports/a.json", b"old")
    seen: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * (8 * 1024 * 1024)
            seen.append(objects.read("exports/a.json"))

    objects.write("exports/a.json", pieces())

    assert seen == [b"old"] * 3
    found = objects.find("exports/a.json")
    assert found is not None
    assert found.size == 24 * 1024 * 1024


def test_a_link_names_the_object(objects: Objects) -> None:
    objects.put("exports/ü a+b.json", b"x")

    assert objects.link("exports/ü a+b.json", seconds=900).startswith(("http", "memory:"))


@pytest.mark.parametrize("key", ["exports/plain.json", "exports/ü a+b.json"])
def test_anybody_downloads_through_a_link(ministack: str, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    from candor.adapters.s3 import S3Objects

    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    objects = S3Objects(aws.create_bucket())
    objects.put(key, b"the export")

    with urllib.request.urlopen(objects.link(key, seconds=900), timeout=120) as answer:
        assert answer.read() == b"the export"


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


def test_what_was_said_of_an_object_comes_back_with_it(objects: Objects) -> None:
    objects.put("texts/said", b"x", metadata={"title": "Our%20guide", "doc_type": "howto"})
    objects.put("texts/unsaid", b"x")

    said, unsaid = objects.find("texts/said"), objects.find("texts/unsaid")

    assert said is not None
    assert unsaid is not None
    assert dict(said.metadata) == {"title": "Our%20guide", "doc_type": "howto"}
    assert dict(unsaid.metadata) == {}


def test_a_form_is_for_one_key_and_says_what_it_carries(objects: Objects) -> None:
    form = objects.upload_form(
        "source/uploads/ü b.pdf",
        max_bytes=1_000,
        seconds=60,
        content_type="application/pdf",
        metadata={"title": "Our%20guide"},
    )

    assert form.url
    assert form.fields["key"] == "source/uploads/ü b.pdf"
    assert form.fields["Content-Type"] == "application/pdf"
    assert form.fields["x-amz-meta-title"] == "Our%20guide"
