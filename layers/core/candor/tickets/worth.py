"""Worth: how much a ticket promises as knowledge, so that people review first what is worth most."""

import re
from dataclasses import dataclass
from typing import Final

from candor import language
from candor.tickets.courtesies import phrases, says
from candor.tickets.substance import Substance, substance
from candor.tickets.values import Message, Role, TicketDraft

_RESOLVED_LISTED: Final = """
    closed resolved solved answered done completed complete fixed закрыт закрыто закрыта решён решен решено
    закрито вирішено geschlossen gelöst beantwortet erledigt cerrado resuelto respondido solucionado
"""
RESOLVED: Final = frozenset(_RESOLVED_LISTED.split())
"""Statuses of tickets that nobody works on any more, as helpdesks spell them."""

_SHORT_QUESTION, _LONG_QUESTION = 25, 3_000
_SHORT_ANSWER, _FULL_ANSWER, _LONG_ANSWER = 40, 260, 6_000
_MANY_TURNS = 14
_READ: Final = 3_000
"""Letters of a message that are looked at: whether it says something is seen by then."""
_MOST_MESSAGES: Final = 12
"""Of a long ticket the last ones decide."""

_TELLING: Final = 100
"""Letters of question and answer each that tell the language."""

_TELLING_HOW: Final = (
    ("\n", re.compile(r"\n\s*(?:\d{1,2}[.)]|[-*•])\s+\S")),
    ("`", re.compile(r"```|`[^`\n]+`")),
    ("/", re.compile(r"\s/[\w.-]+/|https?://")),
    (">", re.compile(r"\w\s*>\s*\w")),
    ("›", re.compile(r"\w\s*›\s*\w")),
    ("→", re.compile(r"\w\s*→\s*\w")),
    (".", re.compile(r"\w\.(?:conf|php|ini|htaccess)\b")),
)
"""Steps, code, a path through folders or menus; each with a sign without which it is not there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    score: int
    """0..100; below 30 hardly anything is to be learned."""
    reasons: tuple[str, ...]
    """Sentences for the reviewer, what counts most first."""


def worth_of(draft: TicketDraft) -> Worth:
    """What the ticket promises, by what it says alone. Some 0.3 ms."""
    counted: list[tuple[int, str]] = []
    question = substance(draft.description[:_READ])
    replies = draft.replies[-_MOST_MESSAGES:]
    answers = [
        (message, substance(message.content[:_READ])) for message in replies if message.role == Role.STAFF
    ]
    told = max((len(said.text) for _, said in answers), default=0)
    if draft.opened_by == Role.STAFF and not any(message.role == Role.CUSTOMER for message in replies):
        return Worth(score=5, reasons=("The staff wrote it and no customer answered: nothing was asked.",))
    if phrases("automatic").match(draft.subject.strip()) or phrases("automatic").match(question.text):
        return Worth(score=3, reasons=("A program wrote it, not a customer.",))
    if told == 0:
        why = _why_no_answer([said for _, said in answers])
        return Worth(score=5 if answers else 0, reasons=(why,))

    counted.append(_of_answer(told))
    counted.append(_of_question(len(question.text), draft.subject))
    counted.extend(_of_end(draft, replies))
    counted.extend(_of_talk(draft, answers))
    if _about_one_account(answers):
        counted.append((-25, "The answer concerns this customer's account alone."))
    spoken = language.detect(f"{question.text[:_TELLING]}\n{max(answers, key=_length)[1].text[:_TELLING]}")
    counted.append((5, "") if spoken != language.UNDETERMINED else (-10, "Its language cannot be told."))

    score = max(0, min(100, 10 + sum(points for points, _ in counted)))
    telling = sorted((each for each in counted if each[1]), key=lambda each: -abs(each[0]))
    return Worth(score=score, reasons=tuple(reason for _, reason in telling))


def _length(answer: tuple[Message, Substance]) -> int:
    return len(answer[1].text)


def _why_no_answer(answers: list[Substance]) -> str:
    if not answers:
        return "Nobody of the staff has answered."
    if any(said.elsewhere for said in answers):
        return "It was answered elsewhere: by e-mail, by telephone, in another ticket."
    if any(said.waits for said in answers):
        return "The staff only promised to look into it."
    return "The staff's messages hold nothing but courtesies or questions."


def _of_answer(told: int) -> tuple[int, str]:
    if told < _SHORT_ANSWER:
        return 2, "The answer is very short."
    if told > _LONG_ANSWER:
        return 15, "The answer is very long."
    return 15 + min(15, 15 * told // _FULL_ANSWER), "The staff answered at length."


def _of_question(length: int, subject: str) -> tuple[int, str]:
    if length + len(subject) < _SHORT_QUESTION:
        return -10, "Hardly anything was asked."
    if length > _LONG_QUESTION - 100:
        return 2, "The question is very long."
    return 10, "The question is clear in length."


def _of_end(draft: TicketDraft, replies: tuple[Message, ...]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    status = draft.status.strip().casefold()
    if status in RESOLVED:
        found.append((12, f"It is {status}."))
    elif status:
        found.append((-8, f"It is still {status}."))
    last = replies[-1]
    if last.role == Role.STAFF:
        found.append((8, "The staff had the last word."))
    elif says("unsolved", last.content[:_READ]):
        found.append((-20, "The customer's last message says that it was not solved."))
    elif says("solved", last.content[:_READ]):
        found.append((15, "The customer said that it helped."))
    else:
        found.append((-8, "The customer's last message is unanswered."))
    return found


def _of_talk(draft: TicketDraft, answers: list[tuple[Message, Substance]]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    if any(_tells_how(said.text) for _, said in answers):
        found.append((12, "The answer tells steps, commands or places."))
    ratings = [message.rating for message in draft.replies if message.rating]
    if ratings:
        mean = sum(ratings) / len(ratings)
        if mean >= 4:
            found.append((12, "The customer rated it well."))
        elif mean <= 2:
            found.append((-20, "The customer rated it badly."))
    turns = len(draft.replies)
    if turns > _MANY_TURNS:
        found.append((-12, f"It took {turns} messages."))
    elif turns <= 4:
        found.append((6, "It was short."))
    return found


def _tells_how(text: str) -> bool:
    text = f"\n{text}"
    return any(sign in text and steps.search(text) for sign, steps in _TELLING_HOW)


def _about_one_account(answers: list[tuple[Message, Substance]]) -> bool:
    """Half of what the staff told or more, in sentences about this customer's invoice, login, server."""
    whole = sum(len(said.text) for _, said in answers)
    private = 0
    for _, said in answers:
        if not says("private", said.text) or _tells_how(said.text):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", said.text):
            private += len(sentence) if says("private", sentence) else 0
    return private * 2 >= whole > 0
