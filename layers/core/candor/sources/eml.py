"""EML: a saved e-mail: its subject and what it says, without who wrote to whom."""

import email.errors
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final

from candor.errors import Invalid
from candor.sources.deadlines import Deadline
from candor.sources.encodings import decoded_any
from candor.sources.html import text_of_html
from candor.sources.records import Record, tidy
from candor.sources.whole import record_of

_MAX_BYTES: Final = 40_000_000
"""Mail servers take 25 to 35 MB, attachments included."""

_MAX_PARTS: Final = 1_000

_QUOTE_BEGINS = re.compile(
    r"^(?:-{2,} ?(?:original message|forwarded message|исходное сообщение|ursprüngliche nachricht).*"
    r"|_{10,}"
    r"|(?:on|am|le|el) .{5,200}(?:wrote|schrieb.*|a écrit|escribió) ?:"
    r"|.{0,80}\d{1,4}.{0,120}(?:wrote|писал(?:\(а\)|а)?|написал(?:\(а\)|а)?|пишет) ?:)$",
    re.IGNORECASE,
)
_QUOTED_HEAD = re.compile(r"^(?:from|от|von|de): .{1,200}$", re.IGNORECASE)
_QUOTED_NEXT = re.compile(
    r"^(?:sent|date|to|subject|отправлено|дата|кому|тема|gesendet|an|betreff): ", re.IGNORECASE
)
_ANSWERING = re.compile(r"^(?:(?:re|fw|fwd|aw|wg|отв|пересл)(?:\[\d+\])?: *)+", re.IGNORECASE)
_SIGNATURE = re.compile(r"^-- ?$|^sent from my \w+|^отправлено с |^von meinem \w+ gesendet", re.IGNORECASE)


def read(stream: BinaryIO, key: str, deadline: Deadline) -> Iterator[Record]:
    """One document; quoted replies and signatures are cut, attachments only named."""
    name = PurePosixPath(key).name
    body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise Invalid(
            f"{name} is larger than {_MAX_BYTES // 1_000_000} MB: save its attachments as files of their own."
        )
    try:
        message = BytesParser(policy=email.policy.default).parsebytes(body)
        deadline.check()
        text, attachments = _said(message, deadline)
        subject = _ANSWERING.sub("", _line(str(message.get("subject", ""))))
        date = _date(message)
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
        email.errors.MessageError,
    ) as error:
        raise Invalid(f"{name} is an e-mail that cannot be read: save it again.") from error
    blocks = [f"# {subject}" if subject else "", date if text else "", text]
    if attachments:
        blocks.append("\n".join(f"- {_line(one)}" for one in attachments[:50]))
    yield record_of(
        key,
        tidy("\n\n".join(block for block in blocks if block)) if text or attachments else "",
        title=subject,
    )


def _said(message: EmailMessage, deadline: Deadline) -> tuple[str, list[str]]:
    """The words of the message and the names of its attachments."""
    plain: list[str] = []
    html: list[str] = []
    names: list[str] = []
    parts = [message]
    seen = 0
    while parts:
        part = parts.pop(0)
        seen += 1
        deadline.check()
        if seen > _MAX_PARTS:
            break
        kind = part.get_content_type()
        filename = part.get_filename()
        if part.is_multipart() and kind != "message/rfc822":
            parts = [inner for inner in part.iter_parts() if isinstance(inner, EmailMessage)] + parts
        elif filename or part.get_content_disposition() == "attachment" or kind == "message/rfc822":
            inner_subject = ""
            if kind == "message/rfc822" and isinstance(payload := part.get_payload(), list) and payload:
                inner: Any = payload[0]
                inner_subject = str(inner.get("subject", ""))
            names.append(filename or inner_subject or kind)
        elif kind == "text/plain":
            plain.append(_text(part))
        elif kind == "text/html":
            html.append(_text(part))
    whole = "\n\n".join(plain)
    own = _own_words(whole)
    if len(own) < 10 and html:
        whole = text_of_html("\n".join(html))
        own = _own_words(whole) or own
    # A mail that only passes another one on says what that one says.
    return own or tidy(whole), names


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if part.get_content_charset("us-ascii") == "us-ascii" and isinstance(payload, bytes):
        # Nothing, or too little, is said about its letters.
        return decoded_any(payload, "The e-mail", html=part.get_content_type() == "text/html")
    try:
        return str(part.get_content(errors="replace"))
    except (LookupError, UnicodeError):
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _own_words(text: str) -> str:
    """What the writer added: down to the signature, or to what is quoted from the mail before."""
    lines = text.replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    for at, line in enumerate(lines):
        bare = line.strip()
        following = next((one.strip() for one in lines[at + 1 : at + 4] if one.strip()), "")
        quoted_head = _QUOTED_HEAD.match(bare) and _QUOTED_NEXT.match(following)
        if (
            _SIGNATURE.match(line)
            or quoted_head
            or _QUOTE_BEGINS.match(f"{bare} {following}" if _split(bare, following) else bare)
        ):
            break
        if not bare.startswith(">"):
            kept.append(line)
    return tidy("\n".join(kept))


def _split(bare: str, following: str) -> bool:
    """`On … wrote:` wrapped over two lines."""
    return (
        bare.lower().startswith(("on ", "am ", "le ", "el "))
        and following.endswith(":")
        and not bare.endswith(":")
    )


def _date(message: EmailMessage) -> str:
    try:
        return f"{parsedate_to_datetime(str(message.get('date', ''))):%Y-%m-%d}"
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _line(text: str) -> str:
    return " ".join(tidy(text).split())[:300]
