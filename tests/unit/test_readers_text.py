"""Readers of text: encodings nobody named, tables without quotes, mails that quote other mails."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from candor.documents import Draft
from candor.sources import read
from candor.sources.xlsx_values import Formats
from candor.tickets.values import Role, TicketDraft

RUSSIAN = "Привет, это обычный текст на русском языке, сохранённый в старой кодировке."


def draft(body: bytes | str, name: str) -> Draft:
    content = body.encode() if isinstance(body, str) else body
    [record] = read(io.BytesIO(content), f"source/{name}")
    assert record.draft is not None, record.reason
    return record.draft


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "koi8-r", "cp866", "iso8859-5"]
)
def test_russian_is_read_in_whatever_it_was_saved(encoding: str) -> None:
    assert draft(RUSSIAN.encode(encoding), "a.txt").text == RUSSIAN


@pytest.mark.parametrize(
    "text", ["Über die Größe der Straße: für jeden Café.", "Prix : 5 € – déjà payé.", "Ціни: їжа, ґанок, Єва"]
)
def test_other_languages_too(text: str) -> None:
    encoding = "cp1251" if "ї" in text else "cp1252"

    assert draft(text.encode(encoding), "a.txt").text == text


def test_a_page_is_read_as_it_says_of_itself() -> None:
    html = (
        '<html><head><meta charset="windows-1251"><title>Магазин</title></head><body><p>Сто рублей</p></body>'
    )

    found = draft(html.encode("cp1251"), "a.html")

    assert (found.title, found.text) == ("Магазин", "Сто рублей")


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("a.pdf", "<!DOCTYPE html><html><body><h1>Page</h1></body></html>", "# Page"),
        ("a.txt", "<html><body><h1>Page</h1></body></html>", "# Page"),
        ("a.docx", "# Markdown, really", "# Markdown, really"),
        ("a.html", "No tag in it, 3 < 4.", "No tag in it, 3 < 4."),
        ("a.eml", "No mail at all.", "No mail at all."),
        ("a.md", "<p>Markdown may</p> begin with a tag.", "<p>Markdown may</p> begin with a tag."),
        ("noname", "Words alone.", "Words alone."),
        ("noname", "Subject: Mail\nFrom: a@example.com\n\nIs it.", "# Mail\n\nIs it."),
    ],
)
def test_text_is_what_it_looks_like(name: str, body: str, kind: str) -> None:
    assert draft(body, name).text == kind


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('Name,Age\nAnn,"5,3"\n', ["| Name | Age |", "| --- | --- |", "| Ann | 5,3 |"]),
        ("Name;Age\nAnn;5,3\n", ["| Name | Age |", "| --- | --- |", "| Ann | 5,3 |"]),
        ("Name\tAge\r\nAnn\t5\r\n", ["| Name | Age |", "| --- | --- |", "| Ann | 5 |"]),
        ("sep=|\nName|Age\nAnn|5\n", ["| Name | Age |", "| --- | --- |", "| Ann | 5 |"]),
        (
            'Name,Note\nAnn,"two\nlines | bar"\n',
            ["| Name | Note |", "| --- | --- |", "| Ann | two lines / bar |"],
        ),
        ("1,2\n3,4\n", ["| A | B |", "| --- | --- |", "| 1 | 2 |", "| 3 | 4 |"]),
        ("Name,,Age\nAnn,,5\n", ["| Name | Age |", "| --- | --- |", "| Ann | 5 |"]),
        (
            "Prices,,\n,,\nPlan,Price,\nA,1,\n",
            ["Prices", "", "| Plan | Price |", "| --- | --- |", "| A | 1 |"],
        ),
        ("alone\nin its column\n", ["alone", "", "in its column"]),
    ],
)
def test_a_table_has_its_header_whatever_parts_its_cells(body: str, rows: list[str]) -> None:
    assert draft(body, "a.csv").text.splitlines() == rows


def mail(body: str, **headers: str) -> Draft:
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return draft(f"From: Ann <ann@example.com>\nTo: help@example.com\n{head}\n{body}", "a.eml")


@pytest.mark.parametrize(
    "quoted",
    [
        "-- \nAnn Smith\n+1 555 0100",
        "On Sun, 1 Feb 2026 at 10:00, Bob <bob@example.com> wrote:\n> Is it?",
        "On Sun, 1 Feb 2026 at 10:00, Bob Longname\n<bob@example.com> wrote:\n> Is it?",
        "пн, 2 февр. 2026 г. в 10:00, Иван <ivan@example.com> писал:\n> Можно?",
        "Am 02.02.2026 um 10:00 schrieb Bernd:\n> Ist es so?",
        "-----Original Message-----\nFrom: Bob\n\nIs it?",
        "From: Bob\nSent: Monday\nTo: Ann\nSubject: x\n\nIs it?",
        "От: Иван\nОтправлено: вчера\nКому: Анна\nТема: x\n\nМожно?",
        "________________________________\nFrom: Bob\n\nIs it?",
        "Sent from my phone",
        "> Is it?",
    ],
)
def test_a_mail_says_only_what_its_writer_wrote(quoted: str) -> None:
    found = mail(f"Yes, it is open on Monday.\n\n{quoted}\n", Subject="Re: AW: Opening hours")

    assert (found.title, found.text) == ("Opening hours", "# Opening hours\n\nYes, it is open on Monday.")


def test_a_mail_of_markup_alone_is_read_as_a_page() -> None:
    found = mail(
        "<h2>Hours</h2><p>Nine to <b>six</b>.</p>", Subject="x", Content_Type="text/html; charset=utf-8"
    )

    assert found.text == "# x\n\n## Hours\n\nNine to six."


def talks(*records: dict[str, Any], **around: Any) -> list[TicketDraft]:
    body = json.dumps({**around, "conversations": list(records)}).encode()
    found = [record.ticket for record in read(io.BytesIO(body), "source/sample_conversations.json")]
    return [one for one in found if one is not None]


TICKET = {
    "external_id": 4711,
    "subject": "Refund for Ann Smith",
    "description": "I want my money back.",
    "status": "Closed",
    "email": "ann@example.com",
    "name": "Ann Smith",
    "created_at": "2026-02-01T10:00:00+02:00",
    "metadata": {
        "tid": "ABC-123456",
        "mood": "angry",
        "replies": [
            {
                "role": "staff",
                "content": "It takes seven days.",
                "posted": "2026-02-01 09:30",
                "name": "Olga",
            },
            {"role": "note", "content": "She is a difficult customer."},
            {"role": "customer", "content": "<p>Thanks!</p>", "rating": 7},
        ],
    },
}


def test_a_record_of_a_ticket_is_a_ticket_with_its_messages() -> None:
    [found] = talks(TICKET, source="Zendesk")

    assert (found.helpdesk, found.number, found.tid) == ("zendesk", "4711", "ABC-123456")
    assert (found.description, found.opened_by) == ("I want my money back.", Role.CUSTOMER)
    assert [(reply.role, reply.content) for reply in found.replies] == [
        (Role.STAFF, "It takes seven days."),
        (Role.CUSTOMER, "Thanks!"),
    ]
    assert found.replies[0].posted == datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
    assert found.replies[1].rating is None
    assert found.opened_at == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert (found.metadata, found.source_file) == ({"mood": "angry"}, "source/sample_conversations.json")


def test_a_file_that_names_no_helpdesk_speaks_of_whmcs() -> None:
    [found] = talks(TICKET)

    assert found.helpdesk == "whmcs"


def test_a_description_that_tells_the_whole_talk_is_parted_into_messages() -> None:
    told = "User: Is it open?\nOn Sunday?\nStaff: No.\nagent: From Monday on."

    [found] = talks({"id": 1, "subject": "Hours", "description": told})

    assert (found.description, found.opened_by) == ("Is it open?\nOn Sunday?", Role.CUSTOMER)
    assert [(reply.role, reply.content) for reply in found.replies] == [
        (Role.STAFF, "No."),
        (Role.STAFF, "From Monday on."),
    ]


def test_a_description_that_is_the_first_reply_too_is_said_once() -> None:
    replies = [{"role": "customer", "content": "Is it open?"}, {"role": "staff", "content": "No."}]

    [found] = talks({"id": 1, "description": "Is it open?", "metadata": {"replies": replies}})

    assert found.description == "Is it open?"
    assert [reply.content for reply in found.replies] == ["No."]


def test_a_list_of_tickets_and_one_a_line_are_the_same() -> None:
    [listed] = read(io.BytesIO(json.dumps([TICKET]).encode()), "a.json")
    [line] = read(io.BytesIO(json.dumps(TICKET).encode()), "a.jsonl")

    assert listed.ticket is not None
    assert line.ticket is not None
    assert listed.ticket == replace(line.ticket, source_file="a.json")


def test_a_ticket_without_a_number_or_a_word_is_reported() -> None:
    body = json.dumps({"tickets": [{"subject": "x", "description": "y"}, {"id": 2, "subject": "x"}]}).encode()

    nameless, wordless = read(io.BytesIO(body), "source/tickets.json")

    assert (nameless.skipped, wordless.skipped) == (False, True)


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("9.99", "", "9.99"),
        ("0.30000000000000004", "", "0.3"),
        ("46053", "m/d/yyyy", "2026-01-31"),
        ("46053.604166666664", "dd.mm.yyyy hh:mm", "2026-01-31 14:30"),
        ("0.5", "h:mm", "12:00"),
        ("0.25", "0%", "25%"),
        ("0.125", "0.0%", "12.5%"),
        ("5.9", '"$"#,##0.00', "$5.90"),
        ("1234.5", '#,##0.00\\ "руб."', "1234.50 руб."),
        ("100", "#,##0 [$€-407]", "100 €"),
        ("-5", '"$"#,##0;("$"#,##0)', "-$5"),
        ("1e400", "0", "1e400"),
        ("words", "0", "words"),
        ("12", "0.00E+00", "12"),
        ("1", "[Red]0", "1"),
    ],
)
def test_a_number_is_shown_as_its_cell_shows_it(value: str, code: str, shown: str) -> None:
    formats = Formats(from_1904=False)
    formats.start("s:numFmt", {"numFmtId": "170", "formatCode": code})
    formats.start("s:cellXfs", {})
    formats.start("s:xf", {"numFmtId": "170"})

    assert formats.shown(value, 0) == shown
