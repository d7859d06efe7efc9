"""Worth: what a ticket promises as knowledge."""

import pytest

from candor.tickets.values import Message, Role, TicketDraft
from candor.tickets.worth import Worth, worth_of

QUESTION = "Since yesterday my contact form says 'could not send'. Nothing was changed by us. What is wrong?"
ANSWER = (
    "The form uses PHP mail(), which is switched off on all servers since the update. Please install an "
    "SMTP plugin, then:\n\n1. Enter mail.example.com as the host.\n2. Choose port 587 and TLS.\n"
    "3. Save and send a test."
)


def ticket(
    *replies: Message, status: str = "Closed", subject: str = "Contact form", **told: object
) -> TicketDraft:
    fields = {"number": "1", "description": QUESTION, **told}
    return TicketDraft(subject=subject, status=status, replies=replies, **fields)  # type: ignore[arg-type]


def staff(content: str, rating: int | None = None) -> Message:
    return Message(role=Role.STAFF, content=content, name="Vera", rating=rating)


def customer(content: str) -> Message:
    return Message(role=Role.CUSTOMER, content=content)


def score(*replies: Message, **told: object) -> int:
    return worth_of(ticket(*replies, **told)).score  # type: ignore[arg-type]


def test_a_solved_ticket_with_steps_and_thanks_promises_most() -> None:
    worth = worth_of(ticket(staff(ANSWER), customer("That did the trick, thanks!")))

    assert worth.score >= 85
    assert "The customer said that it helped." in worth.reasons


def test_a_ticket_nobody_answered_promises_nothing() -> None:
    assert worth_of(ticket()) == Worth(score=0, reasons=("Nobody of the staff has answered.",))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Hello,\n\nThank you for contacting us. We are looking into it.\n\nKind regards,\nVera", "promised"),
        ("Здравствуйте!\nМы проверим и сообщим вам.\n\nС уважением,\nВера", "promised"),
        ("Guten Tag,\nwir prüfen das.\n\nMit freundlichen Grüßen\nVera", "promised"),
        ("Hola,\nestamos revisando el problema.\n\nSaludos,\nVera", "promised"),
        ("Вітаю!\nПеревіримо і повідомимо.\n\nЗ повагою,\nВіра", "promised"),
        ("Hi,\nplease see the e-mail that we sent you.\nRegards,\nVera", "elsewhere"),
        ("Dear Sir,\n\nThank you for your patience. Have a great day!\n\nBest regards,\nVera", "courtesies"),
    ],
)
def test_an_answer_that_says_nothing_is_recognised_in_five_languages(said: str, why: str) -> None:
    worth = worth_of(ticket(staff(said)))

    assert worth.score <= 5
    assert why in worth.reasons[0]


def test_closed_counts_more_than_open() -> None:
    assert score(staff(ANSWER), status="Closed") > score(staff(ANSWER), status="Customer-Reply") + 15


def test_a_customer_who_still_has_the_problem_lowers_it() -> None:
    unsolved = score(staff(ANSWER), customer("I did all that and it still does not work."))

    assert unsolved < score(staff(ANSWER)) - 20


def test_ratings_count_in_both_directions() -> None:
    plain = score(staff(ANSWER), status="Open")

    assert (
        score(staff(ANSWER, rating=5), status="Open") > plain > score(staff(ANSWER, rating=1), status="Open")
    )


def test_a_longer_answer_promises_more_than_one_word() -> None:
    assert score(staff(ANSWER)) > score(staff("Port 587.")) + 15


def test_twenty_messages_promise_less_than_two() -> None:
    talk = [
        message for _ in range(10) for message in (staff(ANSWER), customer("And what about the next one?"))
    ]

    assert score(*talk, staff(ANSWER)) < score(staff(ANSWER))


def test_what_concerns_one_account_alone_is_suggested_low() -> None:
    private = "Your invoice #10442 has been paid. We have refunded 12 EUR to your account 20311."

    worth = worth_of(ticket(staff(private), customer("Thanks")))

    assert worth.score < 60
    assert "The answer concerns this customer's account alone." in worth.reasons


@pytest.mark.parametrize(
    "subject", ["Mail delivery failed: returning message", "[Nagios] disk alert", "Automatic reply: away"]
)
def test_what_a_program_wrote_is_no_question(subject: str) -> None:
    assert score(staff(ANSWER), subject=subject) <= 5


def test_a_notice_of_the_staff_that_nobody_answered_is_no_question() -> None:
    assert score(staff(ANSWER), opened_by=Role.STAFF) <= 5


def test_a_ticket_without_a_language_promises_less() -> None:
    codes = "ERR 0x80070005 :: 500 503 0xFF"

    assert score(staff(codes * 9), description=codes) < score(staff(ANSWER))


def test_every_score_lies_between_0_and_100() -> None:
    worst = worth_of(ticket(staff("x" * 9_000, rating=1), customer("no luck"), status="Open", description=""))
    best = worth_of(ticket(staff(ANSWER, rating=5), customer("Perfect, thanks!")))

    assert 0 <= worst.score < best.score <= 100
