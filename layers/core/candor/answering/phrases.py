"""Phrases: the fixed sentences of the assistant, in every language it replies in."""

from candor.answering.data import data

LANGUAGES = ("en", "ru", "uk", "de", "es", "vi")


def phrase(key: str, language: str, **filled: str) -> str:
    """A fixed sentence; in English for a language we have no sentences of."""
    found: str = data("phrases")[key].get(language) or data("phrases")[key]["en"]
    return found.format(**filled) if filled else found
