"""
Substance: what a message says, without greeting, thanks, signature, quoted mail and small print.

Told line by line and sentence by sentence, by how each begins; code stays as it was written. Linear in the
message's length.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from candor.sources.html import text_of_html
from candor.tickets.courtesies import begins, phrases

_BETWEEN: Final = re.compile(r"[.!?…]([\"')»”]?\s+)(?=[\"'«“(¿¡]?[^\W\d_a-zа-яёіїєґäöüßáéíóúñ]|\d|¿|¡)")
_NAMED: Final = re.compile(r"[^\W\d_a-zа-яёіїєґ][\w'’.-]{1,30}(?:\s+[^\W\d_a-zа-яёіїєґ][\w'’.-]{0,30}){0,2}")
_RULE: Final = re.compile(r"\s*[-=_*~#+.]{3,}\s*$")
_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_KEPT_LINE: Final = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S|\s*\|.*\|\s*$|\s{4,}\S")
"""List items, table rows and indented text are lines of their own."""
_AFTERWORD: Final = re.compile(r"\s*(?:p\.?\s?s\.?|з\.?\s?и\.?|n\.?\s?b\.?)\s*[:.]?\s", re.I)
_INLINE_CLOSING: Final = re.compile(r"[.!?]\s+([^.!?\n]{4,60})$")
_OPENS: Final = frozenset(",.!:;—–-")
_SIGNS: Final = " ,.!:;—–-"
_TITLES: Final = re.compile(
    r"(?:(?:mr|mrs|ms|miss|dr|prof|herrn?|frau|sra?|don|doña|señora?|г-н|г-жа|господин|госпожа|пан|пані)\b\.?\s+){1,2}",
    re.I,
)
_WRAPPED: Final = 55
"""Letters of a line from which it may have been broken by a mail program rather than by its writer."""
_SIGNED_LINES, _SIGNED_LETTERS = 14, 900
"""A signature is no longer; what is longer below a closing phrase is part of the message."""
_ROLES_LISTED: Final = """
    support team admin administrator staff customer client billing technical department hosting service
    manager operator agent helpdesk company system webmaster root user guest all there everyone
    поддержка команда коллеги служба отдел клиент пользователь оператор підтримка команда колеги клієнт
    damen herren kunde kundin kollegen soporte equipo cliente guys folks again
    domain server website email sales ltd inc llc gmbh
"""
_ROLES: Final = frozenset(_ROLES_LISTED.split())
"""Words that stand where names stand: with one of them it is a role or a company, not a person."""
_WORDS_TOO_LISTED: Final = """
    will mark may art grant page rose price bill max sky dawn guy rich frank chase case hope faith grace joy
    jack sue pat drew rob april june august summer bar may ray van von der den del los las mai ernst stark
    klein gross weiss schwarz neu надежда вера любовь лев роман мир ltd inc llc gmbh ооо тов
"""
_WORDS_TOO: Final = frozenset(_WORDS_TOO_LISTED.split())
"""Names that are words as well, and stay where they stand alone."""
_MAIL_BEGINS: Final = re.compile(
    r"\s*<(?:!doctype html|html|head|body|meta|style|div|p|table|center|span|font)(?=[\s>])[^<>]{0,2000}>",
    re.I,
)
_MAIL_BLOCK: Final = re.compile(
    r"</(?:html|body|div|p|table|center|span|font|a|b|ul|ol|blockquote)\s{0,8}>", re.I
)
MAX_MARKUP: Final = 100_000
"""Letters of a mail in HTML that are looked at: half of it and more is markup."""
MAX_READ: Final = 20_000
"""Letters of one message that are looked at: the rest is a log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Substance:
    """What is left of a message, and the names it is addressed to and signed with."""

    text: str
    names: frozenset[str] = frozenset()
    waits: bool = False
    """It promised an answer."""
    elsewhere: bool = False
    """It says that the answer was given by telephone, by mail, in another ticket."""
    asks: bool = False
    """It asked the reader for something."""


def substance(message: str) -> Substance:
    """The message without what people write around what they mean."""
    names: set[str] = set()
    lines = _own_lines(_as_read(message), names)
    lines = _without_name(_without_greeting(lines, names), names)
    seen = {"waiting": False, "elsewhere": False, "request": False}
    kept: list[str] = []
    fenced = False
    for line in _unwrapped(lines):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.strip() and (line[0].isalpha() or not _KEPT_LINE.match(line)):
            line = " ".join(_telling(line, seen))
            if not line:
                continue
        kept.append(line)
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return Substance(
        text=text,
        names=frozenset(names),
        waits=seen["waiting"],
        elsewhere=seen["elsewhere"],
        asks=seen["request"],
    )


def names_of(*told: str) -> Iterator[str]:
    """Names of persons as they are worth looking for: each whole, and its parts that are no word besides."""
    for name in told:
        whole = " ".join(name.split()).strip(" ,.")
        parts = [part.strip(".,()\"'") for part in whole.split()]
        if len(whole) < 3 or "@" in whole or any(part.casefold() in _ROLES for part in parts):
            continue
        if len(parts) > 1:
            yield whole
        yield from (
            part
            for part in parts
            if len(part) >= 3 and part[:1].isupper() and part.casefold() not in _WORDS_TOO
        )


def _as_read(message: str) -> str:
    """
    As its reader saw it: a mail that came as HTML without its markup.

    Only if it begins and ends with markup: what shows some within a sentence is about it.
    """
    begun = _MAIL_BEGINS.match(message)
    if begun and message.rstrip().endswith(">") and _MAIL_BLOCK.search(message, begun.end()):
        return text_of_html(message[:MAX_MARKUP])[:MAX_READ]
    return message[:MAX_READ]


def _own_lines(message: str, names: set[str]) -> list[str]:
    """The lines up to the signature, or to the mail that is quoted; a postscript below a signature stays."""
    found: list[str] = []
    lines = [line for line in message.splitlines() if not line.lstrip().startswith(">")]
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            found.append("")
            continue
        lower = bare.lower()
        if bare == "--" or begins("disclaimer", lower):
            break
        # Whoever answers above a quotation has said it all; below it, what is quoted comes first.
        if found and _quotes(lower, lines[number + 1 : number + 2]):
            break
        closes = phrases("closing").match(bare) if begins("closing", lower) else None
        rest = lines[number + 1 :]
        if (
            closes
            and found
            and len(rest) <= _SIGNED_LINES
            and sum(map(len, rest)) <= _SIGNED_LETTERS
            and not any(map(_FENCE.match, rest))
        ):
            names.update(_signed([bare[closes.end() :], *rest]))
            found.extend(after for after in rest if _AFTERWORD.match(after))
            break
        if bare[0].isalnum() or not _RULE.match(line):
            found.append(_without_closing(line, names))
    return found


def _quotes(line: str, following: Sequence[str]) -> bool:
    """Of a lower-case line."""
    if line.endswith(":") and begins("introduced", line):
        return True
    return begins("quoted", "\n".join((line, *following)).lower())


def _signed(lines: Iterable[str]) -> Iterator[str]:
    """The names below a closing phrase: the first words that could be one."""
    for line in lines:
        bare = line.strip(" ,.!-*_\t")
        if bare:
            if match := _NAMED.match(bare):
                yield from names_of(match[0])
            return


def _without_closing(line: str, names: set[str]) -> str:
    """A line whose last words are a closing phrase and a name loses them."""
    if found := _INLINE_CLOSING.search(line):
        closes = phrases("closing").match(found[1])
        if closes and len(found[1]) - closes.end() <= 30:
            names.update(_signed([found[1][closes.end() :]]))
            return line[: found.start() + 1]
    return line


def _without_greeting(lines: list[str], names: set[str]) -> list[str]:
    """The first line that says something, without "Dear John,"; the name is remembered."""
    for number, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            continue
        met = phrases("greeting").match(bare)
        if met is None:
            return lines[number:]
        rest, called = _addressed(bare[met.end() :])
        names.update(names_of(called))
        return [*([rest] if rest else []), *lines[number + 1 :]]
    return []


def _addressed(rest: str) -> tuple[str, str]:
    """What follows a greeting and the name after it; and that name, if there is one."""
    rest = rest.lstrip(" ,")
    titled = _TITLES.match(rest)
    begins = titled.end() if titled else 0
    stop = next((at for at in range(begins, min(len(rest), begins + 60)) if rest[at] in _OPENS), len(rest))
    called = rest[begins:stop].strip()
    after = rest[stop:].strip(_SIGNS)
    if _NAMED.fullmatch(called) and len(called) <= 60:
        return after, called
    return (after if titled or called.casefold() in _ROLES else rest.strip(_SIGNS)), ""


def _without_name(lines: list[str], names: set[str]) -> list[str]:
    """Without the last line, where it is a name below a sentence: a signature without a closing phrase."""
    said = [number for number, line in enumerate(lines) if line.strip()]
    if len(said) < 2 or lines[said[-2]].rstrip()[-1:] not in ".!?)":
        return lines
    last = lines[said[-1]].strip(" ,-*_")
    if len(last) > 30 or not _NAMED.fullmatch(last):
        return lines
    names.update(names_of(last))
    return lines[: said[-1]]


def _unwrapped(lines: list[str]) -> Iterator[str]:
    """Lines that a mail program broke are one again."""
    held = ""
    fenced = False
    for line in lines:
        fence = bool(_FENCE.match(line))
        goes_on = (
            len(held) >= _WRAPPED
            and not fenced
            and not fence
            and line[:1].islower()
            and held[-1:] not in ".!?:;"
            and not _KEPT_LINE.match(line)
        )
        if goes_on:
            held = f"{held} {line.strip()}"
            continue
        if held:
            yield held
        fenced ^= fence
        held = line.rstrip()
        if not held:
            yield ""
    if held:
        yield held


def _telling(line: str, seen: dict[str, bool]) -> Iterator[str]:
    """The sentences of a line that could not stand in any other message."""
    for sentence in _sentences(line):
        bare = sentence.strip(" \t*_")
        lower = bare.lower()
        kinds = [kind for kind in ("waiting", "elsewhere", "request") if begins(kind, lower)]
        for kind in kinds:
            seen[kind] = True
        if kinds or begins("courtesy", lower) or not any(map(str.isalnum, bare)):
            continue
        if bare.endswith("?") and len(bare) < 400:
            seen["request"] = True
        yield sentence.strip()


def _sentences(line: str) -> Iterator[str]:
    begin = 0
    for gap in _BETWEEN.finditer(line):
        yield line[begin : gap.start(1)]
        begin = gap.end()
    yield line[begin:]
