"""Patterns: what an administrator may write to recognise a message, checked before it is kept."""

import unicodedata
from typing import Final

from candor.intents.ambiguity import fault
from candor.intents.grammar import LONGEST, may_be_empty, read

_PLAIN: Final = str.maketrans("’ʼ‘`´", "'''''")


def checked(pattern: str) -> str:
    """
    A pattern as it is kept; `ValueError` with half a sentence behind "the pattern".

    A regular expression as Python writes them, searched for anywhere in a message; upper and lower case are
    the same, and words are words in every language.
    """
    kept = unicodedata.normalize("NFC", pattern.strip())
    if not kept:
        raise ValueError("is blank")
    tree = read(kept)
    if problem := fault(tree):
        raise ValueError(problem)
    if may_be_empty(tree):
        raise ValueError("matches an empty text, and so every message: let it name at least one character")
    return kept


def prepared(text: str) -> str:
    """A message as patterns see it: its beginning, on one line, with single blanks and plain apostrophes."""
    return " ".join(unicodedata.normalize("NFC", text[: 4 * LONGEST]).translate(_PLAIN).split())[:LONGEST]
