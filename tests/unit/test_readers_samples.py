"""Readers: files that word processors, sheets, browsers and mail programs made, and what they say."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from candor.sources import read
from candor.sources.pdf import text_of_pdf

FILES = Path(__file__).parents[1] / "data" / "readers"
NAMES = sorted(path.name for path in FILES.iterdir() if path.is_file())


def said(body: bytes, name: str) -> str:
    [draft] = [r.draft for r in read(io.BytesIO(body), f"source/{name}") if r.draft is not None]
    return f"{draft.title}\n---\n{draft.text}\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_a_person_reads_in_it(name: str) -> None:
    expected = (FILES / "expected" / f"{name}.txt").read_text(encoding="utf-8")

    assert said((FILES / name).read_bytes(), name) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith((".csv", ".eml"))])
@pytest.mark.parametrize(
    "rename", [lambda n: f"{n}.txt", lambda n: "renamed", lambda n: "wrong.csv", lambda n: "x.html"]
)
def test_the_content_decides_and_not_the_name(name: str, rename: Callable[[str], str]) -> None:
    body = (FILES / name).read_bytes()

    under_its_name, under_another = said(body, name), said(body, rename(name))

    assert under_its_name.partition("---")[2] == under_another.partition("---")[2]


def test_a_stream_that_cannot_seek_is_read_all_the_same() -> None:
    class Body(io.RawIOBase):
        """As an object of a bucket comes: forward only, and in portions of its own choice."""

        def __init__(self, content: bytes) -> None:
            self._left = io.BytesIO(content)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self._left.read(min(size, 1_000) if size > 0 else 1_000)

    name = "handbook.pdf"

    [record] = [r for r in read(Body((FILES / name).read_bytes()), name) if r.draft]  # type: ignore[arg-type]

    assert record.draft is not None
    assert record.draft.title == "Northwind handbook"


def test_a_pdf_is_read_for_web_pages_too() -> None:
    with (FILES / "handbook.pdf").open("rb") as stream:
        found = text_of_pdf(stream, name="handbook.pdf")

    assert (found.title, found.pages, found.notes) == ("Northwind handbook", 3, ())
    assert found.text.startswith("# 1. Возврат средств")
