"""Talks: a solved ticket as knowledge: what was asked and what was answered, without who asked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from candor.documents import Draft
from candor.errors import Invalid
from candor.redaction import mask
from candor.sources.html import text_of_html
from candor.sources.records import MAX_TEXT, MAX_URL, Skipped, known_type, tidy

_SPEAKER: Final = re.compile(
    r"^[ \t]*(user|customer|client|staff|agent|operator|support)[ \t]*:[ \t]*", re.IGNORECASE
)
_STAFF: Final = frozenset({"staff", "agent", "operator", "support", "admin", "assistant"})
_UNSAID: Final = frozenset({"note", "private", "internal", "system"})
"""What the staff wrote for each other is never told to a customer."""

_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_MARKUP: Final = re.compile(
    r"</?(?:p|br|div|b|i|strong|em|ul|ol|li|a|span|table)\b[^>]{0,300}>", re.IGNORECASE
)
_SHORTEST_NAME: Final = 3
"""Letters of a name worth leaving out: shorter ones are words of their own."""


def talk(record: Mapping[str, Any], *, key: str, source: Any, doc_type: Any) -> Draft:
    """
    `{external_id|id, subject, description, …, metadata: {replies: [{role, content}]}}`.

    Without replies, lines of the description that begin with `Customer:`, `Staff:` and the like part it
    into messages. Names, addresses, passwords and keys are left out.
    """
    number = _plain(record.get("external_id")) or _plain(record.get("id"))
    if not number:
        raise Invalid("The ticket has neither external_id nor id.")
    private = [
        name for field in ("name", "email") if len(name := _plain(record.get(field))) >= _SHORTEST_NAME
    ]
    subject = _without(_plain(record.get("subject")), private)
    messages = [
        f"{'Staff' if role in _STAFF else 'Customer'}: {text}"
        for role, content in _messages(record)
        if (text := _without(content, private))
    ]
    if not messages:
        raise Skipped("The ticket has no message.")
    text = "\n\n".join(([f"# {subject}"] if subject else []) + messages)
    url = f"ticket://{_plain(source).lower() or 'tickets'}/{number}"
    if len(url) > MAX_URL or len(text) > MAX_TEXT:
        raise Invalid(f"The ticket's number or its text is too long: {MAX_TEXT:,} characters are a document.")
    return Draft(
        url=url,
        title=(subject or f"Ticket {number}")[:500],
        text=text,
        doc_type=(_plain(doc_type) or known_type(key) or "conversation").lower()[:100],
        source=key,
    )


def _messages(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Who said what: the description first, then the replies."""
    metadata = record.get("metadata")
    replies = metadata.get("replies") if isinstance(metadata, dict) else None
    replies = [one for one in replies if isinstance(one, dict)] if isinstance(replies, list) else []
    description = _words(record.get("description"))
    if replies:
        first = _words(replies[0].get("content"))
        # Some exports tell the whole talk in the description, some its first message, some nothing.
        if description and description != first and not _SPEAKER.search(description):
            yield "customer", description
        for reply in replies:
            role = _plain(reply.get("role")).lower()
            if role not in _UNSAID and not reply.get("private"):
                yield role, _words(reply.get("content"))
        return
    role, lines = "customer", list[str]()
    for line in description.split("\n"):
        if found := _SPEAKER.match(line):
            yield role, "\n".join(lines)
            role, lines = found[1].lower(), [line[found.end() :]]
        else:
            lines.append(line)
    yield role, "\n".join(lines)


def _words(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return tidy(text_of_html(value) if _MARKUP.search(value) else value)


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(tidy(str(value)).split())


def _without(text: str, private: list[str]) -> str:
    for name in private:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return mask(_ADDRESS.sub("…", text)).strip()
