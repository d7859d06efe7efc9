"""Distilling: what of a solved ticket helps the next customer: problem and resolution, nobody's name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from candor.analysis import informative_words
from candor.redaction import mask
from candor.tickets.commands import fenced, is_prompt
from candor.tickets.courtesies import says
from candor.tickets.substance import Substance, names_of, substance
from candor.tickets.values import Message, Role, Talk, Ticket

NAME: Final = "[name]"
DOMAIN: Final = "[domain]"
"""The customer's own, where it is known from the address."""

MAX_TITLE: Final = 150
_TELLING: Final = 2
"""Words of a sentence, without the smallest, from which it says what it is about."""
_SHORT_SUBJECT: Final = 5
"""
Words of a subject up to which what was asked is added to it: "Port 25" alone is found by few. With it 47 of
our 50 sample questions were answered from their tickets, without it 45.
"""
MAX_PROBLEM: Final = 420
"""
Letters of the problem. It stands in front of the resolution in one passage, so that both are found together;
what is longer would leave the passages after the first without a resolution of their own.
"""
MAX_RESOLUTION: Final = 6_000
MIN_RESOLUTION: Final = 12
"""Letters. "Use port 587." helps."""

_FREE_MAIL_LISTED: Final = """
    gmail.com googlemail.com yahoo.com hotmail.com outlook.com live.com msn.com icloud.com me.com aol.com
    proton.me protonmail.com gmx.de gmx.net gmx.com web.de t-online.de mail.ru yandex.ru yandex.com ya.ru
    bk.ru list.ru inbox.ru rambler.ru ukr.net i.ua meta.ua zoho.com mail.com yandex.ua hotmail.es yahoo.es
"""
_FREE_MAIL: Final = frozenset(_FREE_MAIL_LISTED.split())
_SUBJECT_MARKS: Final = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|antw|отв|відп|rv|ha)\s*(?:\[\d+\])?\s*:\s*|\[[^\]]{0,40}\d[^\]]{0,20}\]\s*|(?:ticket|case)\s*#?[\w-]*\d[\w-]*\s*[:-]\s*|#[\w-]*\d[\w-]*\s*[:-]?\s*"
    r"|(?:urgent|asap|important|срочно|важно|терміново|dringend|wichtig|urgente)\s*[:!-]+\s*)+",
    re.I,
)
_SAYS_NOTHING: Final = re.compile(
    r"^\W*(?:(?:i |please |need |some |my |the |urgent |technical |general |new |quick |an? |about |"
    r"мне |нужна |ich |brauche |necesito )*"
    r"(?:help|problem|issue|question|urgent|support|ticket|request|hello|hi|error|website|site|hosting|email|account|"
    r"inquiry|enquiry|no subject|none|test|trouble|service|server|domain|"
    r"помощь|помогите|проблема|вопрос|срочно|сайт|почта|ошибка|допомога|питання|допоможіть|помилка|"
    r"hilfe|problem|frage|anfrage|fehler|ayuda|problema|consulta|pregunta|error)s?)\W*$",
    re.I,
)
_ADVERTISED: Final = re.compile(r"https?://\S*(?:survey|feedback|review|rate|trustpilot|rating)\S*", re.I)
_ALONE: Final = re.compile(r"(?:(?<=^)|(?<=[.!?]\s)|(?<=[.!?]))[ \t]*(?:\[name\][ ,.!]*)+(?=\n|$)", re.M)
"""A name and nothing else: who wrote it, without a closing phrase."""
_HEADING: Final = re.compile(r"^\s*#{1,6}(?:\s+(.*?))?\s*#*$")
_SPOKEN: Final = re.compile(
    r"^\**(?:customer|client|user|staff|agent|support|operator|question|answer|q|a)\**\s*:\**\s*", re.I
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What a ticket teaches. No name, no address, no secret is in it."""

    title: str
    problem: str
    """In one line."""
    resolution: str
    """Markdown-like: paragraphs, steps, fenced code."""

    @property
    def text(self) -> str:
        """
        As it is indexed. What follows `Question:` helps to find the passage and is never quoted: the
        answering package reads these two words so in any page of questions and answers.
        """
        asked = f"Question: {self.problem}\n\n" if self.problem else ""
        return f"# {self.title}\n\n{asked}Answer:\n\n{self.resolution}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Nothing:
    """A ticket that teaches nothing, and why, as a sentence."""

    reason: str


def distil(ticket: Ticket, talk: Talk, *, keep: Iterable[str] = ()) -> Lesson | Nothing:
    """The lesson of a ticket; `keep` names the company's own addresses and telephones, which may be told."""
    return lesson_of(
        ticket.subject,
        (Message(role=ticket.opened_by, content=talk.description), *talk.replies),
        email=ticket.email,
        names=[ticket.name, *(reply.name for reply in talk.replies)],
        keep=keep,
    )


def lesson_of(
    subject: str,
    messages: Sequence[Message],
    *,
    email: str = "",
    names: Iterable[str] = (),
    keep: Iterable[str] = (),
) -> Lesson | Nothing:
    """The same of a talk that is no ticket yet: its messages in order, the first included."""
    said = [(message.role, substance(message.content)) for message in messages]
    answers = _answers(said)
    if not answers:
        return Nothing(reason=_why_none(said))
    known = set(names_of(*names)).union(*(each.names for _, each in said))
    hide = _Hiding(known, email, keep)
    problem = _problem(said)
    resolution = hide(_fitted(answers))
    if sum(map(str.isalnum, resolution)) < MIN_RESOLUTION:
        return Nothing(
            reason="Hardly anything of the staff's answer is left without names, courtesies and secrets."
        )
    problem = _begun(hide(" ".join(problem.split())))
    resolution = _begun(resolution)
    title = _title(hide(subject), problem, resolution)
    return Lesson(title=title, problem="" if problem == title else problem, resolution=resolution)


def _answers(said: Sequence[tuple[Role, Substance]]) -> list[str]:
    """
    What the staff told, in order: without what it asked, and without what the customer says did not help.

    If nothing is left but what did not help, or nobody said otherwise, that is all there is to learn.
    """
    told = [
        (number, text)
        for number, (role, each) in enumerate(said)
        if role == Role.STAFF
        and number
        and (text := _tidied(each.text))
        and sum(map(str.isalnum, text)) >= MIN_RESOLUTION
    ]
    helped = [text for number, text in told if not _refuted(said, number)]
    return helped or [text for _, text in told[-1:]]


def _refuted(said: Sequence[tuple[Role, Substance]], number: int) -> bool:
    """Whether the customer's next words say that this did not help."""
    for role, each in said[number + 1 : number + 3]:
        if role == Role.CUSTOMER:
            return says("unsolved", each.text[:400])
    return False


def _tidied(text: str) -> str:
    """A staff message as Markdown that opens no section of its own: no headings, commands in fences."""
    lines: list[str] = []
    for line in _ADVERTISED.sub("", text).splitlines():
        heading = None if is_prompt(line) else _HEADING.match(line)
        lines.append(f"**{heading[1]}**" if heading and heading[1] else "" if heading else line)
    return fenced(_SPOKEN.sub("", "\n".join(lines).strip()))


def _fitted(answers: Sequence[str]) -> str:
    """Together at most `MAX_RESOLUTION` letters: the last counts most, for after it the ticket was closed."""
    room = MAX_RESOLUTION
    kept: list[str] = []
    for text in reversed(answers):
        if len(text) > room and kept:
            continue
        kept.append(text[:room])
        room -= len(text)
        if room <= 0:
            break
    return "\n\n".join(reversed(kept))


def _problem(said: Sequence[tuple[Role, Substance]]) -> str:
    """What the customer wrote before the first answer, cut to its first sentences and its questions."""
    wanted: list[str] = []
    for role, each in said:
        if role == Role.STAFF and wanted:
            break
        if role == Role.CUSTOMER and each.text:
            wanted.append(each.text)
    if not wanted:
        wanted = [said[0][1].text]
    sentences = [
        _SPOKEN.sub("", part).strip()
        for text in wanted
        for part in re.split(r"(?<=[.!?…])\s+|\n+", text.replace("```", " "))
        if part.strip()
    ]
    chosen: set[int] = set()
    room = MAX_PROBLEM
    # The first sentence tells the subject, and whatever ends in a question mark is what was asked.
    order = sorted(range(len(sentences)), key=lambda at: (at > 0 and not sentences[at].endswith("?"), at))
    for at in order:
        if len(sentences[at]) < room:
            chosen.add(at)
            room -= len(sentences[at]) + 1
    if not chosen and sentences:
        return sentences[0][:MAX_PROBLEM].rsplit(" ", 1)[0]
    return " ".join(sentences[at] for at in sorted(chosen))


def _title(subject: str, problem: str, resolution: str) -> str:
    title = " ".join(_SUBJECT_MARKS.sub("", subject[:500]).split()).strip(" .!-#*")
    if len(title) < 4 or (len(title) <= 60 and _SAYS_NOTHING.match(title)):
        first = next(iter(re.split(r"(?<=[.!?…])\s+", problem or resolution)), "")
        title = " ".join(first.split()).strip(" .!-#*") or title
    elif len(title.split()) <= _SHORT_SUBJECT and problem:
        title = _with_question(title, problem)
    if len(title) > MAX_TITLE:
        title = title[:MAX_TITLE].rsplit(" ", 1)[0] + "…"
    return title or "Solved ticket"


def _with_question(title: str, problem: str) -> str:
    """A short subject, and what was asked: the first sentence that tells something, a question first."""
    parts = [part.strip(" .!-#*") for part in re.split(r"(?<=[.!?…])\s+", problem)]
    telling = [part for part in parts if len(informative_words(part)) >= _TELLING]
    asked = next((part for part in telling if part.endswith("?")), next(iter(telling), ""))
    return f"{title}: {asked}" if asked and len(title) + len(asked) < MAX_TITLE - 2 else title


def _begun(text: str) -> str:
    """A sentence that lost its greeting begins with a capital again; a command or an address does not."""
    first = text.split(maxsplit=1)[0].rstrip(",.:;!") if text else ""
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def _why_none(said: Sequence[tuple[Role, Substance]]) -> str:
    answers = [each for role, each in said[1:] if role == Role.STAFF]
    if not answers:
        return "Nobody of the staff has answered."
    if any(each.elsewhere for each in answers):
        return "It was answered elsewhere: by e-mail, by telephone, in another ticket."
    if any(each.waits for each in answers):
        return "The staff only promised to look into it."
    return "The staff's messages hold nothing but courtesies or questions."


class _Hiding:
    """Takes names, addresses and secrets out of a text."""

    def __init__(self, names: Iterable[str], email: str, keep: Iterable[str]) -> None:
        self._keep = tuple(keep)
        whole = sorted({name for name in names if " " in name}, key=len, reverse=True)
        parts = sorted({name for name in names if " " not in name}, key=len, reverse=True)
        # A name whole in any letters; alone only as it is written: "Stark" is a person, "stark" is not.
        self._whole = _alternatives(whole, re.I)
        self._part = _alternatives(parts, 0)
        self._called = _alternatives(
            [*whole, *parts, NAME], 0, before=r"(?:(?<=^)|(?<=[.!?]\s))", after=r",\s+"
        )
        domain = email.rpartition("@")[2].strip().lower()
        own = domain in {name.lstrip("@").lower() for name in self._keep}
        private = "." in domain and domain not in _FREE_MAIL and not own
        self._domain = _alternatives([domain] if private else [], re.I)

    def __call__(self, text: str) -> str:
        text = mask(text, keep=self._keep)
        if self._called:
            text = self._called.sub("", text)
        for pattern, instead in ((self._whole, NAME), (self._part, NAME), (self._domain, DOMAIN)):
            if pattern:
                text = pattern.sub(instead, text)
        return _ALONE.sub("", text).strip()


def _alternatives(
    words: Iterable[str], flags: int, *, before: str = r"(?<![\w-])", after: str = r"(?![\w-])"
) -> re.Pattern[str] | None:
    listed = "|".join(map(re.escape, words))
    return re.compile(f"{before}(?:{listed}){after}", flags | re.M) if listed else None
