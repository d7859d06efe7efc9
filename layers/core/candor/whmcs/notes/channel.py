"""Channel: the draft of an answer becomes a private note of its ticket, with the evidence for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from candor.alerts import Alerts
from candor.answering.values import Citation, Decision
from candor.conversations.values import Message
from candor.errors import Invalid, NotFound, Refused
from candor.inbox.attending import Telling
from candor.inbox.values import Incoming

ALERT: Final = "whmcs-notes"

_LONGEST: Final = 8_000
"""Letters of a note: in a form, each may take six bytes."""

_LONGEST_QUOTE: Final = 500
_MOST_CITATIONS: Final = 5
_MARK: Final = "Candor draft"
_SAID: Final = {
    Decision.PASS: "answered from the evidence below",
    Decision.ASK_USER: "a question back to the customer",
    Decision.ESCALATE: "a person is needed: the evidence does not answer it",
}


class Notes(Protocol):
    """Where notes are written: WHMCS's API."""

    def add_note(self, number: str, text: str) -> None: ...

    def has_note(self, number: str, mark: str) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WhmcsNotesChannel:
    """A `Channel` to the helpdesk of the WHMCS settings."""

    open_notes: Callable[[], Notes]
    """`Invalid` or `Refused` where the settings open no API."""
    alerts: Alerts

    def tell(self, incoming: Incoming, answer: Message, telling: Telling) -> None:
        def write(again: bool) -> None:
            notes = self.open_notes()
            if again and notes.has_note(incoming.chat_id, mark_of(answer)):
                return  # Whoever began before came as far as that.
            notes.add_note(incoming.chat_id, note_of(answer))

        try:
            telling.once("note", write)
        except NotFound:
            return  # The ticket was deleted or merged: nobody misses a draft for it.
        except (Invalid, Refused) as error:
            self.alerts.raise_(
                ALERT, f"Drafts cannot be written into WHMCS: {error} Then redrive the queue message."
            )
            raise Refused(str(error)) from error
        self.alerts.clear(ALERT)


def mark_of(answer: Message) -> str:
    """By which a note is known again."""
    return f"{_MARK} {answer.message_id}"


def note_of(answer: Message) -> str:
    """The note, in Markdown: a draft that says it is one, how sure it is, and where it has it from."""
    head = (
        "**Draft by Candor, an assistant. Not sent to the customer: check it before you use it.**\n\n"
        f"Decision: {answer.decision or ''} ({_SAID.get(answer.decision or Decision.ESCALATE)}). "
        f"Confidence: {round(100 * (answer.confidence or 0))} %.\n\n"
    )
    foot = f"\n\n{mark_of(answer)}"
    evidence = "".join(map(_cited, answer.citations[:_MOST_CITATIONS]))
    evidence = f"\n\nEvidence:\n{evidence}" if evidence else ""
    room = _LONGEST - len(head) - len(foot) - len(evidence)
    text = answer.content if len(answer.content) <= room else f"{answer.content[: max(0, room - 1)]}…"
    return f"{head}---\n\n{text}\n\n---{evidence}{foot}"


def _cited(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())[:_LONGEST_QUOTE]
    title = _plain(citation.title) or "Without a title"
    where = f" - {_plain(citation.source_url)}" if citation.source_url else ""
    return f"\n* {title}{where}\n  > {_plain(quote)}\n"


def _plain(text: str) -> str:
    """Nothing in it is taken for HTML, whatever a page was called."""
    return " ".join(text.split()).replace("<", "&lt;")
