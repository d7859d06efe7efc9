"""
Translating: a question's words in English, for pages that are written in it.

Word by word, from a glossary of some four hundred things that support is asked about. What comes out is no
sentence, and it need not be: it is looked up and compared, never shown. The embedded embedder sees German
and English texts in two spaces that know nothing of each other, so that "Papierkorb" and "trash" are as far
apart as any two words; and the words of a trade (`input_vars`, TYPO3) are the same in every language.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from candor.answering.data import data
from candor.answering.words import fold, stem, stop_words
from candor.language import UNDETERMINED, detect

ENGLISH = "en"

_LONGEST = 4
"""Words of an entry."""

_MOST = 2_000
"""Characters of a question: what is asked stands in them, and a glossary is no reading of a novel."""

_KNOWN = 0.4
"""The share of its informative words that has to be known, but for abbreviations and foreign letters."""

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*|[.?!,;:]")
_KEPT = re.compile(r"[\d_/@\\$#~=]|[^\W_][.:+][^\W_]|^\.[^\W\d_]|^-{1,2}[^\W\d_]|^[a-z](?:-[a-z]+){2,}$")
"""Paths, options, file names, addresses, versions, commands: the same in every language."""

_MARKS = frozenset(".?!,;:")
_EDGES = "\"'“”„«»()[]{}<>?!,;…¿¡*`"
_LATIN = re.compile(r"[A-Za-z]")


def in_english(text: str, *, language: str) -> str:
    """The question's words in English; empty if there is no glossary for it, or too little is known."""
    entries = _entries(language)
    if not entries:
        return ""
    words = _split(text[:_MOST])
    said: list[str] = []
    known = unknown = at = 0
    while at < len(words):
        word = words[at]
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            found = _entry(words[at : at + length], entries, language)
            if found:
                said.append(found)
                known += fold(word) not in stop_words()
                at += length
                break
        else:
            parts = _compound(word, entries) if language == "de" else ""
            if not word[0].isalnum() or parts or _KEPT.search(word):
                said.append(parts or word)
            elif fold(word) not in stop_words():
                unknown += not (word.isupper() or (_LATIN.match(word) and language in ("ru", "uk")))
                # German nouns stay as large as names are: what nobody can translate has to be heard of.
                said.append(word)
            at += 1
    english = "".join(word if word in _MARKS else f" {word}" for word in said).strip()
    if known < _KNOWN * (known + unknown) or detect(english) not in (ENGLISH, UNDETERMINED):
        return ""
    return english


def _entry(words: Sequence[str], entries: Mapping[tuple[str, ...], str], language: str) -> str:
    """What stands for these words as they are, or as others of their stems: "как" is no "какой"."""
    if any(_KEPT.search(word) for word in words):
        return ""
    folded = tuple(fold(word) for word in words)
    return entries.get(folded) or entries.get(("", *(stem(word, language) for word in folded))) or ""


def _split(text: str) -> list[str]:
    """Words and the marks between them; what is no word of a language in one piece."""
    found: list[str] = []
    for chunk in text.split():
        core = chunk.strip(_EDGES).rstrip(".:")
        if _KEPT.search(core):
            found.append(core)
            found.extend(mark for mark in chunk[-1:] if mark in _MARKS)
        else:
            found.extend(_WORD.findall(chunk))
    return found


_PART, _COMPOUND, _JOINTS = 3, 40, ("", "s", "es", "n", "en")
"""Letters of a compound's part and of a whole one, and what may join two parts."""


def _compound(word: str, entries: Mapping[tuple[str, ...], str]) -> str:
    """ "Lizenzserver": "license server"; empty where its parts are not known."""
    folded = fold(word)[:_COMPOUND]
    for cut in range(len(folded) - _PART, _PART - 1, -1):
        end = _entry([folded[cut:]], entries, "de")
        if not end:
            continue
        for joint in _JOINTS:
            begin = folded[:cut].removesuffix(joint) if joint else folded[:cut]
            start = _entry([begin], entries, "de") if len(begin) >= _PART else ""
            if start:
                return f"{start} {end}"
    return ""


@cache
def _entries(language: str) -> Mapping[tuple[str, ...], str]:
    """What stands for what, by words, and by their stems behind an empty one."""
    found: dict[tuple[str, ...], str] = {}
    for row in data("glossary").get(language, ()):
        english, _, theirs = row.partition(": ")
        for entry in theirs.split(", "):
            words = tuple(fold(word) for word in _split(entry))
            found.setdefault(words, english)
            found.setdefault(("", *(stem(word, language) for word in words)), english)
    return found
