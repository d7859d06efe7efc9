"""Hostile files: broken, encrypted, enormous or poisoned ones end in a sentence, soon."""

import contextlib
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from candor.errors import Invalid, UnsupportedType
from candor.sources import csv, packages, read
from candor.sources.records import Record
from tests.growth import assert_linear

FILES = Path(__file__).parents[1] / "data" / "readers"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def records(body: bytes, name: str, *, seconds: float = 20.0) -> list[Record]:
    return list(read(io.BytesIO(body), f"source/{name}", seconds=seconds))


def refusal(body: bytes, name: str, *, seconds: float = 20.0) -> str:
    with pytest.raises((Invalid, UnsupportedType)) as error:
        records(body, name, seconds=seconds)
    sentence = str(error.value)
    assert sentence.endswith(".")
    assert "source/" not in sentence
    return sentence


def office(main: str, content: bytes | str, **parts: bytes | str) -> bytes:
    """A package with one main part; `parts` are named with `__` for `/` and `_` for `.`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r" Type="{R}/officeDocument" Target="{main}"/></Relationships>',
        )
        archive.writestr(main, content)
        for name, part in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), part)
    return buffer.getvalue()


def word(body: str, *, before: str = "") -> bytes:
    return office(
        "word/document.xml", f'{before}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(*objects: bytes, root: int = 1) -> bytes:
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    trailer = b"trailer<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, root, len(body))
    return body + head + table + trailer


def stream(content: bytes, about: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (about, len(content), content)


def page_with(content: bytes, about: bytes = b"", resources: bytes = b"") -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<<%s>>>>" % resources,
        stream(content, about),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(60), "picture"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(60), "picture"),
        ("a.txt", b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(60), "picture"),
        ("a.md", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "picture"),
        ("a.docx", b"7z\xbc\xaf\x27\x1c" + bytes(60), "archive"),
        ("a.gz", b"\x1f\x8b\x08" + bytes(60), "archive"),
        ("a.txt", b"Rar!\x1a\x07\x01\x00" + bytes(60), "archive"),
        ("a", b"\xfd7zXZ\x00" + bytes(60), "archive"),
        ("a.tar", bytes(257) + b"ustar\x00" + bytes(300), "archive"),
        ("a.exe", b"MZ\x90\x00" + bytes(100), "program"),
        ("a", b"\x7fELF" + bytes(100), "program"),
        ("a.db", b"SQLite format 3\x00" + bytes(100), "database"),
        ("a.mp4", b"\x00\x00\x00\x20ftypisom" + bytes(60), "film"),
        ("a.rtf", b"{\\rtf1\\ansi Words.}", ".docx"),
        ("a", b"\x00\x01\x02\x03" * 500, "no kind of file"),
        ("a.exe", b"plain words", "suffix"),
    ],
)
def test_what_is_no_document_is_named(name: str, body: bytes, words: str) -> None:
    with pytest.raises(UnsupportedType, match=words):
        records(body, name)


@pytest.mark.parametrize(
    ("entry", "words", "kind"),
    [
        ("EncryptedPackage", "password", Invalid),
        ("WordDocument", ".docx", UnsupportedType),
        ("Workbook", ".xlsx", UnsupportedType),
        ("PowerPoint Document", ".pptx", UnsupportedType),
        ("__substg1.0_0037001F", ".eml", UnsupportedType),
        ("Nothing", "old office format", UnsupportedType),
    ],
)
def test_a_file_of_the_old_container_says_what_to_save_it_as(
    entry: str, words: str, kind: type[Exception]
) -> None:
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(30, b"\x00") + struct.pack("<H", 9) + bytes(16)
    header += struct.pack("<I", 1) + bytes(460)
    body = header.ljust(512, b"\x00") + bytes(512) + entry.encode("utf-16-le").ljust(1024, b"\x00")

    with pytest.raises(kind, match=words):
        records(body, "report.docx")


def test_a_plain_zip_is_an_archive_whatever_it_is_called() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word.txt", "Words")

    for name in ("a.zip", "a.docx", "a"):
        with pytest.raises(UnsupportedType, match="archive"):
            records(buffer.getvalue(), name)


@pytest.mark.parametrize("mimetype", ["spreadsheet", "presentation"])
def test_other_open_documents_say_what_to_save_them_as(mimetype: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{mimetype}")

    with pytest.raises(UnsupportedType, match=r"\.(xlsx|pptx)"):
        records(buffer.getvalue(), "a.odt")


@pytest.mark.parametrize(
    "name", ["returns.docx", "prices.xlsx", "onboarding.pptx", "hours.odt", "handbook.pdf"]
)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_file_cut_off_anywhere_is_damaged(name: str, share: float) -> None:
    body = (FILES / name).read_bytes()

    refusal(body[: int(len(body) * share)], name)


@pytest.mark.parametrize(
    "name", ["returns.docx", "prices.xlsx", "onboarding.pptx", "hours.odt", "handbook.pdf"]
)
def test_broken_bytes_anywhere_are_read_or_refused_and_never_a_crash(name: str) -> None:
    whole = (FILES / name).read_bytes()

    for at in range(10, len(whole), max(1, len(whole) // 25)):
        body = bytearray(whole)
        body[at : at + 4] = b"\xff\x00\xfe\x01"
        with contextlib.suppress(Invalid, UnsupportedType):
            records(bytes(body), name)


ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "doctype",
    [
        ENTITIES,
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1/evil.dtd">',
        "<!DOCTYPE d>",
    ],
)
@pytest.mark.parametrize("kind", ["docx", "xlsx", "pptx", "odt"])
def test_xml_with_a_document_type_is_refused(doctype: str, kind: str) -> None:
    main = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
    if kind == "odt":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
            archive.writestr("content.xml", f"{doctype}<d>&b;</d>")
        body = buffer.getvalue()
    else:
        body = office(main[kind], f"{doctype}<d>&b;</d>")

    assert "entities" in refusal(body, f"a.{kind}")


def test_a_zip_bomb_is_refused_while_it_unpacks() -> None:
    bomb = word(paragraph("a" * 60_000_000))
    assert len(bomb) < 100_000

    tracemalloc.start()
    sentence = refusal(bomb, "a.docx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "unpacks" in sentence or "longer" in sentence
    assert peak < 40_000_000


def test_blank_elements_that_unpack_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "RATIO_FROM_BYTES", 200_000)
    assert "unpacks" in refusal(word("<w:p/>" * 100_000), "a.docx")

    monkeypatch.setattr(packages, "MAX_TOTAL_BYTES", 1_000_000)
    assert "unpacks" in refusal(word("".join(f'<w:p w:x="{n}"/>' for n in range(80_000))), "a.docx")


def test_overlapping_entries_count_each_time_they_are_read() -> None:
    """Two entries of the directory point at the same bytes: what matters is what comes out."""
    body = word(paragraph("Only once."))
    place = body.rindex(b"PK\x01\x02")
    end = body.index(b"PK\x05\x06")
    entry = body[place:end]
    doubled = body[:end] + entry * 50 + body[end:]
    tail = bytearray(doubled[doubled.index(b"PK\x05\x06") :])
    count, size = struct.unpack_from("<HI", tail, 10)
    struct.pack_into("<HHI", tail, 8, count + 50, count + 50, size + 50 * len(entry))
    try:
        found = records(doubled[: doubled.index(b"PK\x05\x06")] + bytes(tail), "a.docx")
    except (Invalid, UnsupportedType):
        return
    assert [record.draft.text for record in found if record.draft] == ["Only once."]


def test_too_many_parts_are_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_ENTRIES", 5)
    many = office("word/document.xml", "<d/>", **{f"p{n}": b"x" for n in range(10)})
    assert "parts" in refusal(many, "a.docx")

    monkeypatch.setattr(packages, "MAX_DIRECTORY_BYTES", 66_000)
    huge = office("word/document.xml", "<d/>", **{f"part{n:050d}": b"" for n in range(1_500)})
    assert "parts" in refusal(huge, "a.docx")


def test_elements_nested_without_end_are_refused() -> None:
    assert "nested" in refusal(word("<w:tbl><w:tr><w:tc>" * 500), "a.docx")


def test_parts_that_refer_to_each_other_end() -> None:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{R}/worksheet" Target="../xl/workbook.xml"/></Relationships>'
    )
    workbook = f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>'

    [record] = records(
        office("xl/workbook.xml", workbook, **{"xl___rels__workbook_xml.rels": relations}), "a.xlsx"
    )

    assert record.skipped


def test_a_sheet_that_claims_a_million_merged_rows_has_those_it_has() -> None:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{R}/worksheet" Target="s.xml"/></Relationships>'
    )
    workbook = f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>'

    def row(number: int, *texts: str) -> str:
        cells = (f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
        return f'<row r="{number}">{"".join(cells)}</row>'

    sheet = (
        f'<worksheet xmlns="{S}"><sheetData>'
        + row(1, "Region", "City")
        + row(2, "North", "Oslo")
        + row(3, "", "Bergen")
        + '<row r="1048576"><c r="XFD1048576" t="s"><v>99999999999</v></c><c r="ZZZZZ1"><v>1</v></c></row>'
        '</sheetData><mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells></worksheet>'
    )
    parts = {"xl___rels__workbook_xml.rels": relations, "xl__s_xml": sheet}

    [record] = records(office("xl/workbook.xml", workbook, **parts), "a.xlsx")

    assert record.draft is not None
    assert record.draft.text.splitlines()[-2:] == ["| North | Oslo |", "| North | Bergen |"]


def test_an_encrypted_document_is_told_to_be_saved_without() -> None:
    writer = PdfWriter(clone_from=PdfReader(FILES / "handbook.pdf"))
    writer.encrypt("secret", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    assert "password" in refusal(buffer.getvalue(), "a.pdf")

    odt = io.BytesIO()
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    with zipfile.ZipFile(odt, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{manifest}"><m:encryption-data/></m:manifest>'
        )
        archive.writestr("content.xml", b"\x93\x11\x00")
    assert "password" in refusal(odt.getvalue(), "a.odt")


def test_a_pdf_locked_for_printing_alone_is_read() -> None:
    writer = PdfWriter(clone_from=PdfReader(FILES / "handbook.pdf"))
    writer.encrypt("", owner_password="owner", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)

    [record] = records(buffer.getvalue(), "handbook.pdf")

    assert record.draft is not None
    assert "Возврат средств" in record.draft.text


def _scan() -> bytes:
    picture = stream(b"\xff\xd8\xff\xd9", b"/Type/XObject/Subtype/Image/Width 9/Height 9/Filter/DCTDecode")
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        stream(b"q 500 0 0 700 0 0 cm /I Do Q"),
        picture,
    )


def _cycle() -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 2/Kids[2 0 R 3 0 R]>>",
        b"<</Type/Pages/Count 1/Kids[2 0 R]>>",
    )


def _tree() -> bytes:
    levels = [b"<</Type/Pages/Count 9/Kids[%d 0 R %d 0 R]>>" % (n + 1, n + 1) for n in range(2, 40)]
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", *levels, b"<</Type/Page/MediaBox[0 0 9 9]>>")


PDFS: dict[str, tuple[Callable[[], bytes], str]] = {
    "pictures of text": (_scan, "OCR"),
    "a cyclic page tree": (_cycle, "save it again"),
    "a page tree that doubles": (_tree, "save it again"),
    "no pages": (
        lambda: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>"),
        "no pages",
    ),
    "arrays without end": (lambda: pdf(b"<</Type/Catalog/X " + b"[" * 50_000 + b">>"), "save it again"),
    "a table that claims everything": (
        lambda: b"%PDF-1.4\nxref\n0 99999999\ntrailer<</Size 99999999/Root 1 0 R>>\nstartxref\n9\n%%EOF",
        "save it again",
    ),
    "tables in a ring": (
        lambda: (
            b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer<</Size 1/Root 1 0 R/Prev 9>>\n"
            b"startxref\n9\n%%EOF"
        ),
        "save it again",
    ),
    "a stream that unpacks without end": (
        lambda: page_with(zlib.compress(b" " * 200_000_000), b"/Filter/FlateDecode"),
        "no text",
    ),
    "operators without end": (lambda: page_with(b"q Q " * 600_000), "no text"),
    "only its name": (lambda: b"%PDF-1.7", "save it again"),
}


@pytest.mark.parametrize("case", PDFS)
def test_a_hostile_pdf_is_refused_with_what_to_do(case: str) -> None:
    make, words = PDFS[case]

    assert words in refusal(make(), "a.pdf")


def test_a_page_that_draws_itself_ends() -> None:
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</A %d 0 R>>>>"
    forms = [stream(b"/A Do " * 10, form % (n + 1)) for n in range(5, 25)]
    body = pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</A 5 0 R>>>>>>",
        stream(b"/A Do " * 10),
        *forms,
        stream(b"BT ET", form % 5),
    )

    assert "no text" in refusal(body, "a.pdf")


def test_one_broken_page_does_not_lose_the_others() -> None:
    reader = PdfReader(FILES / "handbook.pdf")
    writer = PdfWriter(clone_from=reader)
    buffer = io.BytesIO()
    writer.write(buffer)
    body = buffer.getvalue()
    first = body.index(b"stream", body.index(b"/FlateDecode"))
    body = body[: first + 8] + b"\xff" * 30 + body[first + 38 :]

    found = records(body, "a.pdf")

    assert any(record.draft and "Support hours" in record.draft.text for record in found)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.docx", word(paragraph("Words. ") * 200_000)),
        (
            "a.pdf",
            page_with(
                b"BT /F1 9 Tf 10 10 Td " + b"(a) Tj " * 100_000 + b"ET", resources=b"/Font<</F1 5 0 R>>"
            ),
        ),
        ("a.csv", b"a,b\n" + b"1,2\n" * 400_000),
    ],
)
def test_reading_ends_when_its_time_is_over(name: str, body: bytes) -> None:
    assert "took longer" in refusal(body, name, seconds=0.02)


@pytest.mark.parametrize(
    ("name", "unit", "times"),
    [
        ("a.txt", b"x", 9_000_000),
        ("a.csv", b"x,y\n", 3_000_000),
        ("a.html", b"<p>x</p>", 1_200_000),
        ("a.eml", b"From: a@example.com\nSubject: x\n\n" + b"x" * 1_000, 41_000),
    ],
)
def test_text_without_end_is_told_to_be_split(name: str, unit: bytes, times: int) -> None:
    assert "larger than" in refusal(unit * times, name)


def test_a_cell_that_is_never_closed_is_named_by_its_line() -> None:
    assert "line" in refusal(b'a,b\n1,"' + b"x" * 200_000, "a.csv")


def test_a_tag_that_never_ends_is_not_kept_until_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_TAG_BYTES", 200_000)
    attributes = " ".join(f'a{n}="{n * 7919}"' for n in range(60_000))

    assert "damaged" in refusal(word(f"<w:p {attributes}/>"), "a.docx")


@pytest.mark.parametrize(
    "body",
    [b"\n" * 700_000, b"," * 700_000, b"a\n" * 350_000, b"a,b\n" * 190_000, b'"' * 700_000],
    ids=["blank rows", "one endless row", "short rows", "rows", "quotes"],
)
def test_a_table_of_nothing_much_stays_small_in_memory(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "MAX_TEXT", 20_000)

    tracemalloc.start()
    with contextlib.suppress(Invalid):
        records(body, "a.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 30_000_000


@pytest.mark.parametrize(
    "unit",
    [
        "<!--",
        "<!",
        "<a ",
        '<a href="',
        "</",
        "<![CDATA[",
        "&#",
        "<script>",
        "<td>",
        "<ul><li>",
        "<nav>",
        "<td>x<b>",
    ],
)
def test_markup_that_never_ends_costs_no_more_than_markup_that_does(unit: str) -> None:
    def endless(size: int) -> bytes:
        return f"<html><body><p>Words.</p>{unit * (size // len(unit))}".encode()

    assert_linear(lambda page: records(page, "a.html"), endless, 8_000)


def test_what_stands_in_comments_scripts_and_quotes_is_no_text() -> None:
    html = (
        "<html><body><!-- <p>no</p> --><script>if (a < b) '<p>no</p>'</script><style>p > a {}</style>"
        '<p title="a > b">Yes, 3 < 4 <b>and</b> more.</p><!DOCTYPE x><?php no ?><p>Also.</p><a href="x'
    )

    [record] = records(html.encode(), "a.html")

    assert record.draft is not None
    assert record.draft.text == "Yes, 3 < 4 and more.\n\nAlso."
