"""Folding: the same problem solved the same way is quoted once."""

import pytest

from candor.tickets.distilling import Lesson, Nothing, lesson_of
from candor.tickets.likeness import alike, print_of
from candor.tickets.values import Approval, Message, Role
from tests.doubles.learnt import Learnt, solved


def lesson(asked: str, answered: str, subject: str = "") -> Lesson:
    found = lesson_of(
        subject,
        (Message(role=Role.CUSTOMER, content=asked), Message(role=Role.STAFF, content=answered)),
    )
    assert not isinstance(found, Nothing)
    return found


def folded(one: Lesson, other: Lesson) -> bool:
    return alike(print_of(one), print_of(other))


SPAM = "My mails to Gmail end in the spam folder. What can I do?"
RECORDS = (
    "Gmail asks for SPF and DKIM records, and your domain has neither. Open Email Deliverability in cPanel "
    "and press Repair beside the domain; the records are known everywhere within four hours."
)


def test_the_same_answer_to_the_same_problem_is_folded() -> None:
    first = lesson(SPAM, f"Dear John,\n\n{RECORDS}\n\nKind regards,\nOlga")
    second = lesson(
        "All my mails land in spam at Gmail!!",
        f"Hello,\n{RECORDS} \n\nLet us know if you need more help.\n\nMax",
    )

    assert folded(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The plan costs 9.99 EUR a month.", "The plan costs 12.99 EUR a month."),
        ("Use port 587 with TLS for sending.", "Use port 465 with TLS for sending."),
        ("You can enable the firewall in the panel.", "You can disable the firewall in the panel."),
        ("Refunds are possible within 30 days.", "Refunds are not possible within 30 days."),
        ("Point the domain at ns1.first.example.", "Point the domain at ns1.second.example."),
        ("Install the plugin of WordPress again.", "Install the plugin of Joomla again."),
        ("Run `systemctl restart nginx` as root.", "Run `systemctl restart httpd` as root."),
        ("Das Paket kostet monatlich fünf Euro.", "Das Paket kostet jährlich fünf Euro."),
        ("Возврат возможен в течение месяца.", "Возврат не возможен в течение месяца."),
        ("Delete the folder /var/www/cache now.", "Delete the folder /var/www/html now."),
    ],
)
def test_answers_that_differ_in_one_fact_are_two(one: str, other: str) -> None:
    around = " Please do it in the customer area, under the services of your account, and reload the page."

    assert not folded(lesson(SPAM, one + around), lesson(SPAM, other + around))


def test_two_answers_to_one_question_are_two() -> None:
    other = "Your mailbox was used by somebody else to send spam: change its password and remove the filters."

    assert not folded(lesson(SPAM, RECORDS), lesson(SPAM, other))


def test_one_answer_to_two_problems_is_two() -> None:
    cache = "Please clear the cache of your browser and try it again."

    assert not folded(
        lesson("The logo in my shop is the old one.", cache),
        lesson("I cannot log in to webmail since Monday.", cache),
    )


def test_alike_tickets_are_one_document() -> None:
    learnt = Learnt()

    ids = learnt.approved(*(solved(str(number)) for number in range(30)))

    assert len(learnt.titles()) == 1
    assert len(learnt.folding.members(ids[0])) == 30


@pytest.mark.parametrize("leaves", ["rejected", "withdrawn", "deleted"])
def test_when_the_leader_leaves_another_takes_its_place_at_once(leaves: str) -> None:
    learnt = Learnt()
    ids = learnt.approved(*(solved(str(number)) for number in range(3)))
    for _ in range(2):
        leader = next(filter(learnt.has_document, ids))
        if leaves == "rejected":
            learnt.decide(leader, Approval.REJECTED)
        elif leaves == "withdrawn":
            learnt.tickets.withdraw([leader])
            learnt.learning.follow([leader])
        else:
            learnt.learning.forget([leader])
            learnt.tickets.delete(leader)
            ids.remove(leader)

        assert len(learnt.titles()) == 1
        assert ids == [] or sum(map(learnt.has_document, ids)) == 1


def test_forgetting_the_leader_lets_its_stand_in_answer_before_the_decision_is_written() -> None:
    learnt = Learnt()
    ids = learnt.approved(solved("1"), solved("2"))
    leader = next(filter(learnt.has_document, ids))

    learnt.learning.forget([leader])

    assert not learnt.has_document(leader)
    assert len(learnt.titles()) == 1


def test_the_better_ticket_leads() -> None:
    learnt = Learnt()
    (plain,) = learnt.approved(solved("1", status="Open"))
    thanks = (
        *solved("2").replies,
        Message(role=Role.CUSTOMER, content="That helped, thank you!"),
    )

    (better,) = learnt.approved(solved("2", replies=thanks))

    assert learnt.has_document(better)
    assert not learnt.has_document(plain)


def test_a_ticket_whose_answer_changes_leaves_its_group() -> None:
    learnt = Learnt()
    ids = learnt.approved(solved("1"), solved("2"))

    learnt.tickets.put([solved("2", answered="Remove the line php_value memory_limit from .htaccess.")])
    learnt.learning.follow([ids[1]])

    assert all(map(learnt.has_document, ids))


def test_a_group_remembers_a_bounded_number_and_counts_on() -> None:
    learnt = Learnt()

    ids = learnt.approved(*(solved(str(number)) for number in range(130)))

    assert len(learnt.titles()) == 1
    assert len(learnt.folding.members(ids[0])) == 101
