"""Distilling: of a ticket stays what helps the next customer, and nobody's name."""

import re
from collections.abc import Callable

import pytest

from candor.answering.units import units
from candor.chunking import chunk
from candor.tickets.commands import fenced
from candor.tickets.distilling import Lesson, Nothing, lesson_of
from candor.tickets.substance import substance
from candor.tickets.values import Message, Role
from tests.doubles.passages import document
from tests.growth import assert_linear

ASKED = "My site shows error 500 since yesterday. What can I do about it?"


def customer(text: str) -> Message:
    return Message(role=Role.CUSTOMER, content=text)


def staff(text: str) -> Message:
    return Message(role=Role.STAFF, content=text)


def lesson(*messages: Message, subject: str = "Error 500", **about: object) -> Lesson:
    found = lesson_of(subject, messages, **about)  # type: ignore[arg-type]
    assert not isinstance(found, Nothing), found.reason
    return found


@pytest.mark.parametrize(
    ("greeting", "closing"),
    [
        ("Dear Mr. Miller,", "Kind regards,\nAnna Kovacs\nSenior Engineer\nAcme Hosting\n+44 20 7946 0018"),
        ("Hi John!", "Let us know if you have any other questions.\n\nBest,\nAnna"),
        ("Hello,", "Regards\nAnna\n--\nAcme Hosting | https://acme.example"),
        ("Здравствуйте, Иван!", "Если у вас возникнут вопросы, обращайтесь.\n\nС уважением,\nАнна Ковач"),
        ("Добрый день, Иван Петрович.", "С наилучшими пожеланиями,\nАнна"),
        ("Вітаю, Іване!", "Гарного дня!\n\nЗ повагою,\nГанна"),
        ("Добрий день!", "З найкращими побажаннями,\nГанна"),
        ("Sehr geehrter Herr Miller,", "Mit freundlichen Grüßen\nAnna Kovacs"),
        ("Guten Tag Herr Miller,", "Bei Fragen melden Sie sich gern.\n\nViele Grüße\nAnna"),
        ("Estimado Juan:", "Quedamos a su disposición.\n\nSaludos cordiales,\nAna"),
        ("Hola, Juan:", "Atentamente,\nAna"),
    ],
)
def test_courtesies_are_left_out_in_five_languages(greeting: str, closing: str) -> None:
    said = f"{greeting}\n\nOpen cPanel and choose PHP 8.1.\n\n{closing}"

    assert substance(said).text == "Open cPanel and choose PHP 8.1."


@pytest.mark.parametrize(
    "mail",
    [
        "<p>Hello John,</p><p>Open <b>cPanel</b> and choose PHP 8.1.</p><p>Regards,<br />Anna</p>",
        '<html><head><style>p {color: red}</style></head><body><div class="x">Hi!</div><div>Open <a '
        'href="https://track.example/?u=1">cPanel</a> and choose PHP 8.1.</div><div>Best regards,<br>Anna'
        '</div><div class="gmail_quote"><div>On Mon, 3 May 2021 at 10:00, John wrote:</div><blockquote>'
        "It is broken</blockquote></div></body></html>",
        "\r\n<div>Open cPanel and choose PHP&nbsp;8.1.<script>track()</script></div>\r\n",
    ],
)
def test_a_mail_that_came_as_html_is_learned_without_its_markup(mail: str) -> None:
    said = substance(mail).text.replace("\xa0", " ").replace("**", "")

    assert re.sub(r"\[(cPanel)\]\([^)]*\)", r"\1", said) == "Open cPanel and choose PHP 8.1."


@pytest.mark.parametrize(
    "said",
    [
        "Put <div class='box'>Sale</div> into the header.",
        "<b>Bold</b> is shown as it is: set the editor to Markdown.",
        "<Directory /var/www>\nAllowOverride All\n</Directory>",
        "if a < b and c > d\nthen restart it.",
        "<p>It shows the tags</p> of the paragraph to visitors.",
    ],
)
def test_a_message_about_markup_keeps_it(said: str) -> None:
    assert substance(said).text == said


@pytest.mark.parametrize(
    "quoted",
    [
        "On Mon, 3 May 2021 at 10:00, John Miller wrote:\n> It is broken",
        "Am 03.05.2021 um 10:00 schrieb John:\n> Kaputt",
        "03.05.2021 10:00, Иван пишет:\n> Сломалось",
        "-----Original Message-----\nFrom: John\n\nIt is broken",
        "From: John Miller\nSent: Monday\nTo: Support\n\nIt is broken",
        "> It is broken\n> since yesterday",
        "Sent from my iPhone",
        "This e-mail and any attachments are confidential and intended for the addressee only.",
    ],
)
def test_what_is_quoted_or_printed_small_is_left_out(quoted: str) -> None:
    assert substance(f"Choose PHP 8.1 in cPanel.\n\n{quoted}").text == "Choose PHP 8.1 in cPanel."


def test_steps_code_and_numbers_stay_as_they_are() -> None:
    told = "Please do this:\n\n1. Open /etc/php.ini\n2. Set memory_limit to 256M\n\n```\nreboot\n```"

    assert lesson(customer(ASKED), staff(f"Hello,\n\n{told}\n\nRegards,\nAnna")).resolution == told


def test_commands_without_fences_get_them_and_lose_the_prompt() -> None:
    told = "Log in and run:\n\n# systemctl restart nginx\n$ sudo ufw reload\n\nThen reload the page."

    assert fenced(told) == (
        "Log in and run:\n\n```\nsystemctl restart nginx\nsudo ufw reload\n```\n\nThen reload the page."
    )


@pytest.mark.parametrize(
    "line",
    ["Find the file in your account.", "Set it to 256M.", "service is restored", "cd is a disc"],
)
def test_sentences_are_no_commands(line: str) -> None:
    assert fenced(line) == line


def test_names_leave_the_text_wherever_they_stand() -> None:
    found = lesson(
        customer("Hi, my colleague Vera Lindqvist cannot log in today. Can you help her?\nJohn Miller"),
        Message(
            role=Role.STAFF,
            name="Anna Kovacs",
            content="Dear John,\n\nJohn, tell Vera Lindqvist to clear the cookies. Anna Kovacs has unlocked "
            "the account of the shop john-miller.de. JOHN MILLER may log in too.\n\nAnna",
        ),
        subject="Login of John Miller",
        names=["John Miller", "Vera Lindqvist", "Anna Kovacs"],
        email="office@john-miller.de",
    )

    for name in ("John", "Miller", "JOHN", "Vera", "Lindqvist", "Anna", "Kovacs", "john-miller"):
        assert name not in found.text
    assert found.resolution.startswith("Tell [name] to clear the cookies.")


def test_names_that_are_words_as_well_stay_words() -> None:
    found = lesson(
        customer(ASKED),
        staff("Hi Mark,\n\nMark the folder and press Restore. The Bill is in the client area.\n\nWill"),
        names=["Mark Bill"],
    )

    assert found.resolution == "Mark the folder and press Restore. The Bill is in the client area."


def test_secrets_and_addresses_are_masked_and_the_companys_own_kept() -> None:
    told = "Write to billing@acme-hosting.com or to peter@gmail.com. Your password is: Xy7!kkpQ2z now."

    found = lesson(customer(ASKED), staff(told), keep=["@acme-hosting.com"])

    assert "billing@acme-hosting.com" in found.resolution
    assert "peter" not in found.resolution
    assert "Xy7!kkpQ2z" not in found.resolution


def test_an_answer_that_did_not_help_is_left_out() -> None:
    found = lesson(
        customer(ASKED),
        staff("Please clear the cache of your browser and reload the page."),
        customer("I did, it still does not work."),
        staff("The plugin needs PHP 8.1: choose it under Select PHP Version."),
        customer("Now it works, thanks!"),
    )

    assert found.resolution == "The plugin needs PHP 8.1: choose it under Select PHP Version."


def test_questions_and_promises_of_the_staff_are_left_out() -> None:
    found = lesson(
        customer(ASKED),
        staff("Hello,\n\nwe are looking into it. Could you please send us the address of the site?"),
        customer("It is the shop."),
        staff("The disk was full. Delete old backups under Files > Disk Usage."),
    )

    assert found.resolution == "The disk was full. Delete old backups under Files > Disk Usage."


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ((), "Nobody of the staff has answered."),
        ((staff("We will check it."),), "The staff only promised to look into it."),
        ((staff("We have sent you an e-mail with the details."),), "It was answered elsewhere"),
        ((customer("Hello? Anybody there?"),), "Nobody of the staff has answered."),
        ((staff("Thank you for your patience."),), "nothing but courtesies"),
    ],
)
def test_what_teaches_nothing_says_why(replies: tuple[Message, ...], why: str) -> None:
    found = lesson_of("Error 500", (customer(ASKED), *replies))

    assert isinstance(found, Nothing)
    assert why in found.reason


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Re: [Ticket ID: 445566] Error 500 on my site", "Error 500 on my site"),
        ("Fwd: AW: Upload limit", "Upload limit"),
        ("#ABC-123456 - Upload limit", "Upload limit"),
        ("URGENT: Shop is down", "Shop is down"),
        ("Help!!!", "My site shows error 500 since yesterday"),
        ("problem", "My site shows error 500 since yesterday"),
        ("", "My site shows error 500 since yesterday"),
    ],
)
def test_the_title_begins_with_the_subject_or_is_the_first_sentence(subject: str, title: str) -> None:
    found = lesson(customer(ASKED), staff("Choose PHP 8.1 in cPanel."), subject=subject).title

    assert found == title or found.startswith(f"{title}: My site shows")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("length", [1, 12, 60])
def test_the_customers_words_help_to_find_it_and_can_never_be_quoted(language: str, length: int) -> None:
    asked, told = {
        "en": ("The Kestrel module stopped working today. ", "Restart the module in the panel, then wait. "),
        "ru": ("Модуль пустельга перестал работать сегодня. ", "Перезапустите модуль в панели и ждите. "),
    }[language]
    found = lesson(customer(asked * length), staff(told * length * 4), subject="Kestrel")

    passages = chunk(document(title=found.title, doc_type="conversation", source="tickets"), found.text)

    quotable = [unit.text for each in passages for unit in units(each.text) if unit.kind != "asked"]
    assert all(asked.split()[1] not in text for text in quotable)
    assert any(asked.split()[1] in each.text for each in passages)
    assert sum(len(text) for text in quotable) > 0


@pytest.mark.parametrize(
    "hostile",
    [
        lambda size: "# " * (size // 2),
        lambda size: "Dear " * (size // 5),
        lambda size: ">" * size,
        lambda size: "a@b." * (size // 4),
        lambda size: "thanks " * (size // 7),
        lambda size: "[" * (size // 2) + "](" * (size // 4),
        lambda size: "\x00\ufffe\u202e" * (size // 3),
        lambda size: "On " + "x" * size + " wrote",
        lambda size: "1. " * (size // 3),
        lambda size: "$ " + "a" * size,
    ],
)
def test_hostile_text_is_read_in_proportion_to_its_length(hostile: Callable[[int], str]) -> None:
    def read(text: str) -> None:
        lesson_of(text[:300], (customer(text), staff(text), staff("Choose PHP 8.1 in cPanel.")))

    assert_linear(read, hostile, 1_000)


def test_no_line_of_a_message_opens_a_section_of_the_document() -> None:
    told = "# Fix\nDo this now.\nTitle\n=====\nChoose PHP 8.1.\n-----\nAnswer: reload."

    found = lesson(customer("# Customer: heading"), staff(told))

    [heading] = [line for line in found.text.splitlines() if line.startswith("#")]
    assert heading.startswith("# Error 500")
    assert "=====" not in found.text
