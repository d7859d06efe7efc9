"""Encodings: bytes without a label become text: Unicode first, then the code pages people still save in."""

import re
from typing import Final

from candor.errors import Invalid
from candor.sources.records import encoding_of

_CYRILLIC: Final = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_COMMON = frozenset("оеаинтсрвлкмдпуяыьгзбчй")
_LETTERS = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґў")
_WESTERN = re.compile(r"[a-zA-Z][à-öø-ÿßÀ-ÖØ-ÞŠšŽžœŒ]|[à-öø-ÿß][a-z]|[€£§°«»„“”‘’–—©®™…·]")
_DECLARED = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})|<\?xml[^>]+encoding\s*=\s*["']([^"']{2,40})""",
    re.IGNORECASE,
)
_SAMPLE: Final = 200_000


def decoded_any(body: bytes, name: str, *, html: bool = False) -> str:
    """
    The file's text: UTF-8, UTF-16 or UTF-32, what an HTML file says of itself, or the code page that fits.

    `Invalid`, with a sentence, when nothing fits.
    """
    start = body[:4]
    encoding = encoding_of(start)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        broken = error
    if html and (declared := _DECLARED.search(body[:4_096])):
        try:
            return body.decode((declared[1] or declared[2]).decode("ascii"), "replace")
        except LookupError:
            pass  # A name nobody knows: as if it had said nothing.
    if encoding.startswith("utf-8"):
        # Cut in the middle of a letter, or one letter broken in a thousand: still UTF-8.
        text = body.decode(encoding, "replace")
        high = sum(len(run) for run in _HIGH_RUN.findall(body[:_SAMPLE]))
        if text.count("\ufffd") * 20 < high or (broken.start > len(body) - 4 and high > 4):
            return text
        if found := _code_page(body):
            return body.decode(found, "replace")
    raise Invalid(f"{name} is in an encoding that cannot be told: save it as UTF-8.")


def _code_page(body: bytes) -> str | None:
    """The single-byte code page of a text that is not Unicode; None when it looks like none."""
    sample = body[:_SAMPLE]
    if any(byte < 9 or 13 < byte < 27 for byte in sample[:4_096]):
        return None
    runs = _HIGH_RUN.findall(sample)
    if not runs:
        return None
    high = sum(map(len, runs))
    if high / len(runs) >= 2.2:
        scores = {page: _cyrillic(sample.decode(page, "replace")) for page in _CYRILLIC}
        best = max(scores, key=lambda page: scores[page])
        return best if scores[best] > 0.6 * high else None
    text = sample.decode("cp1252", "replace")
    return "cp1252" if len(_WESTERN.findall(text)) >= 0.5 * len(runs) else None


def _cyrillic(text: str) -> float:
    """High where letters stand as in words: common ones, small ones after large ones, none from elsewhere."""
    score = 0.0
    before = " "
    for letter in text:
        if letter > "\x7f":
            small = letter.lower()
            if small in _LETTERS:
                score += 1.2 if small in _COMMON else 0.8
                if letter != small and before.isalpha() and before.islower():
                    score -= 2.0
            else:
                score -= 1.0 if letter not in "«»№—–“”„…" else 0.0
        before = letter
    return score
