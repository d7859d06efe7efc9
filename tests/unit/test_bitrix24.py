"""Bitrix24: its forms, its events in both their spellings, and how an answer is written there."""

import pytest

from candor.bitrix24.events import Kind, read, words_of
from candor.bitrix24.forms import MAX_BYTES, parse
from candor.bitrix24.writing import LONGEST, escaped, parts_of
from candor.errors import Malformed, TooLarge, UnsupportedType
from tests.doubles.bitrix24 import TOKEN, event, form, newer_event

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("fields", [event("Як довго?"), newer_event("Як довго?")], ids=["first", "second"])
def test_a_message_is_read_in_both_spellings(fields: dict[str, str]) -> None:
    found = read(parse(form(fields), f"{FORM}; charset=UTF-8"))

    assert (found.kind, found.passed_over) == (Kind.MESSAGE, "")
    assert (found.message_id, found.dialog_id, found.chat_id) == ("17", "chat5", "5")
    assert (found.bot_id, found.user_id, found.line_id) == ("39", "13", "7")
    assert (found.text, found.application_token) == ("Як довго?", TOKEN)
    assert found.access_token == "event-token"
    assert "Як довго" not in repr(found)


def test_an_installation_in_the_older_encoding_is_understood() -> None:
    raw = form(event("Сколько ждать?"), encoding="cp1251")

    assert read(parse(raw, f"{FORM}; charset=windows-1251")).text == "Сколько ждать?"


@pytest.mark.parametrize(
    ("raw", "content_type", "error"),
    [
        (b"{}", "application/json", UnsupportedType),
        (b"a=b", "", UnsupportedType),
        (b"a=b", f"{FORM}; charset=utf-7", UnsupportedType),
        (b"a=b", f"{FORM}; charset=nonsense", UnsupportedType),
        (b"a=%FF%FE", FORM, Malformed),
        ("a=ü".encode(), FORM, Malformed),
        (b"&".join(b"a[%d]=1" % n for n in range(10_000)), FORM, Malformed),
        (b"a=" + b"x" * MAX_BYTES, FORM, TooLarge),
    ],
)
def test_what_is_no_form_of_theirs_is_refused_with_a_sentence(
    raw: bytes, content_type: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"\w"):
        parse(raw, content_type)


@pytest.mark.parametrize(
    "name",
    ["data" + "[a]" * 5_000, "data[a", "data]a[", "[" * 1_000, "a" * 200_000, "data[a][b]]", "data[][a]"],
)
def test_a_name_that_is_no_path_is_passed_over(name: str) -> None:
    found = parse(form({name: "x", "event": "ONIMBOTMESSAGEADD"}), FORM)

    assert found.get("event") == "ONIMBOTMESSAGEADD"


@pytest.mark.parametrize(
    "more",
    [
        {"data[USER][IS_BOT]": "Y"},
        {"data[PARAMS][SYSTEM]": "Y"},
        {"data[USER][IS_CONNECTOR]": "N"},
        {"data[PARAMS][FROM_USER_ID]": "39"},
        {"data[PARAMS][MESSAGE]": " "},
        {"data[PARAMS][MESSAGE]": "[b][/b]"},
        {"data[PARAMS][MESSAGE]": "\x01\x02"},
        {"data[PARAMS][MESSAGE_ID]": ""},
        {"data[PARAMS][MESSAGE_ID]": "../1"},
        {"data[PARAMS][DIALOG_ID]": "chat5; drop"},
        {
            "data[PARAMS][CHAT_ENTITY_TYPE]": "",
            "data[PARAMS][CHAT_TYPE]": "P",
            "data[PARAMS][MESSAGE_TYPE]": "P",
        },
        {"event": "ONIMBOTJOINCHAT"},
        {"event": "ONIMBOTMESSAGEUPDATE"},
        {"event": ""},
    ],
)
def test_what_no_customer_asked_in_an_open_line_is_passed_over_with_a_reason(more: dict[str, str]) -> None:
    assert read(parse(form(event(**more)), FORM)).passed_over


@pytest.mark.parametrize("name", ["ONIMBOTDELETE", "onimbotv2delete"])
def test_the_end_of_the_bot_is_noticed(name: str) -> None:
    assert read(parse(form(event(event=name)), FORM)).kind is Kind.REMOVED


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[b]How[/b] long[br]is it?", "How long\nis it?"),
        ("[URL=https://a.example/x]here[/URL]", "here https://a.example/x"),
        ("[url]https://a.example[/url]", "https://a.example"),
        ("[USER=39]Candor[/USER], how long?", "Candor, how long?"),
        ("array[0] and [1, 2]", "array[0] and [1, 2]"),
    ],
)
def test_marks_of_bb_code_are_no_words(written: str, words: str) -> None:
    assert words_of(written) == words


@pytest.mark.parametrize(
    "text",
    ["[b]x[/b]", "[URL=javascript:alert(1)]x[/URL]", "[send=/delete]x[/send]", "[PUT]x", "[*]x", "/kick ada"],
)
def test_nothing_in_an_answer_is_a_command_there(text: str) -> None:
    shown = escaped(text)

    assert shown != text
    assert shown.replace("\u200b", "") == text
    assert "[b]" not in shown
    assert not shown.startswith("/")


def test_an_answer_without_marks_is_left_as_it_is() -> None:
    assert escaped("It takes 14 days [2.1], or 3/4 of it.") == "It takes 14 days [2.1], or 3/4 of it."


def test_a_long_answer_is_cut_where_something_ends_and_loses_nothing() -> None:
    text = "\n\n".join(f"{n}. " + "слово " * 60 for n in range(40))

    parts = parts_of(text)

    assert len(parts) > 1
    assert max(map(len, parts)) <= LONGEST
    assert " ".join(" ".join(parts).split()) == " ".join(text.split())
    assert all(part.split(".")[0].isdigit() for part in parts)


def test_a_word_without_end_is_cut_too() -> None:
    assert list(map(len, parts_of("x" * (2 * LONGEST + 1)))) == [LONGEST, LONGEST, 1]
    assert parts_of(" ") == []
