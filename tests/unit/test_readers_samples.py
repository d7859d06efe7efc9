"""Readers: files that word processors, sheets, browsers and mail programs made, and what they say."""

import io
import zipfile
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


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def word(body: str, *, numbering: str = "", footnotes: str = "") -> bytes:
    relation = "http://schemas.openxmlformats.org/package/2006/relationships"

    def relations(*kinds: tuple[str, str]) -> str:
        rows = (f'<Relationship Id="{k}" Type="{R}/{k}" Target="{target}"/>' for k, target in kinds)
        return f'<Relationships xmlns="{relation}">{"".join(rows)}</Relationships>'

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("_rels/.rels", relations(("officeDocument", "/word/document.xml")))
        archive.writestr(
            "word/_rels/document.xml.rels",
            relations(("numbering", "numbering.xml"), ("footnotes", "footnotes.xml")),
        )
        around = f'xmlns:w="{W}" xmlns:mc="{MC}" xmlns:r="{R}"'
        archive.writestr("word/document.xml", f"<w:document {around}><w:body>{body}</w:body></w:document>")
        archive.writestr("word/numbering.xml", f"<w:numbering {around}>{numbering}</w:numbering>")
        archive.writestr("word/footnotes.xml", f"<w:footnotes {around}>{footnotes}</w:footnotes>")
    return buffer.getvalue()


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_numbers_that_a_word_processor_counts_are_counted() -> None:
    levels = "".join(
        f'<w:lvl w:ilvl="{n}"><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for n, (form, text) in enumerate([("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "%3)")])
    )
    numbering = (
        f'<w:abstractNum w:abstractNumId="1">{levels}</w:abstractNum>'
        '<w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num>'
    )

    def item(level: int, more: str = "") -> str:
        return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="5"/></w:numPr>{more}'

    heading = '<w:outlineLvl w:val="1"/>'
    body = (
        p("Orders", item(0, heading))
        + p("Paying", item(1))
        + p("By card", item(2))
        + p("By transfer", item(2))
        + p("Delivery", item(0, heading))
        + p("Abroad", item(1))
    )

    assert said(word(body, numbering=numbering), "a.docx").splitlines()[2:] == [
        "## 1. Orders",
        "",
        "  1.1 Paying",
        "",
        "    a) By card",
        "    b) By transfer",
        "",
        "## 2. Delivery",
        "",
        "  2.1 Abroad",
    ]


def test_notes_boxes_and_moved_words_are_where_a_reader_sees_them() -> None:
    footnotes = (
        f'<w:footnote w:id="0" w:type="separator">{p("---")}</w:footnote>'
        f'<w:footnote w:id="2">{p("Except domains.")}</w:footnote>'
    )
    box = f"<w:txbxContent>{p('In the box.')}</w:txbxContent>"
    body = (
        '<w:p><w:r><w:t>Everything</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>'
        "<w:r><w:t> is returned.</w:t></w:r></w:p>"
        f"<w:p><w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        "</mc:AlternateContent></w:r><w:r><w:t>Beside it.</w:t></w:r></w:p>"
        "<w:p><w:moveFrom><w:r><w:t>Moved.</w:t></w:r></w:moveFrom></w:p>"
        "<w:p><w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo></w:p>"
    )

    text = said(word(body, footnotes=footnotes), "a.docx").partition("---\n")[2]

    assert text == "Everything (Except domains.) is returned.\n\nBeside it.\n\nIn the box.\n\nMoved.\n"
