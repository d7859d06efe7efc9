"""Facts: what a house says of itself in so many words: hours, telephone, refunds. Quoted with their pages."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from candor.answering.cleaning import clean, plain
from candor.markup import sentences
from candor.portrait.values import Site

_LONGEST: Final = 200
_MOST: Final = 8
_MOST_SENTENCES: Final = 200
_TOPICS: Final = ("terms", "support", "help", "home", "about", "pricing")
"""Where facts are looked for first."""

_PHONE: Final = r"(?:\+\d{1,3}[\s().-]{0,3}|\(?0)\d[\d\s().-]{5,16}\d"
_TIME: Final = r"\d{1,2}(?:[:.]\d{2})?\s*(?:[ap]\.?m\.?|uhr|h)?"
_KINDS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "hours",
        re.compile(
            rf"(?:{_TIME}\s*(?:-|–|—|to|till|until|bis|до|a|hasta|đến)\s*\d{{1,2}}(?:[:.]\d{{2}})?\s*(?:[ap]\.?m\.?|uhr|h)?\b)|"
            r"\b24\s?/\s?7\b|\b24x7\b|круглосуточно|цілодобово|rund um die uhr|24 horas",
            re.IGNORECASE,
        ),
    ),
    ("phone", re.compile(_PHONE)),
    (
        "refund",
        re.compile(
            r"(?:refund|money[- ]back|return|возврат|вернём|вернем|поверненн|erstatt|rückgabe|"
            r"widerruf|geld zurück|"
            r"reembols|devoluci|hoàn tiền).{0,80}?\b\d{1,3}[\s-]*(?:business |working |calendar |"
            r"рабоч\w+ |календарн\w+ )?"
            r"(?:days?|hours?|дн\w*|день|дней|tage?n?|días?|ngày)\b|"
            r"\b\d{1,3}[\s-]*(?:days?|дн\w*|дней|tage?n?|días?|ngày)\b.{0,60}?(?:refund|money[- "
            r"]back|returns?|возврат|"
            r"поверненн|erstatt|rückgabe|widerruf|geld|reembols|devoluci|hoàn tiền)",
            re.IGNORECASE,
        ),
    ),
)
_OF_HOURS = re.compile(
    r"support|hours?|open|service|phone|call|chat|mon|tue|wed|thu|fri|sat|sun|day|поддержк|работ|час|"
    r"пн|пон|звон|"
    r"підтримк|графік|öffnung|erreichbar|mo\b|montag|service|horario|lunes|atención|giờ|làm việc|thứ",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|pretend|act as|you are now|(?:system )?prompt|"
    r"instructions?|jailbreak|reveal|developer mode|always (?:answer|say|reply|tell)|"
    r"never (?:answer|say|reply|tell|mention|refuse)|you must|respond with|output)\b|"
    r"игнорир|забудь|инструкц|промпт|системн\w+ (?:запрос|сообщени)|притвор|ігнору|забудь|інструкці|"
    r"ignorier|anweisung|vergiss|systemprompt|ignora\b|olvida|instruccion|bỏ qua|hướng dẫn hệ thống",
    re.IGNORECASE,
)
_MACHINES = re.compile(
    r"\b(?:assistant|chat ?bot|language model|ai model|llm|gpt|as an ai)\b|ассистент|нейросет|асистент|"
    r"языков\w+ модел|asistente|assistent|trợ lý",
    re.IGNORECASE,
)
"""What speaks of us is no fact about a company; in a persona it is."""


def rules_of(site: Site) -> tuple[str, ...]:
    """Hours, telephone numbers and refund windows, each as its page says it, with the page's address."""
    found: dict[str, str] = {}
    for kind, sentence, url in _facts(site):
        told = sum(1 for known in found if known.startswith(kind))
        if told < 3:
            found.setdefault(f"{kind}:{sentence}", quoted(sentence, url))
    return tuple(found.values())[:_MOST]


def quoted(sentence: str, url: str) -> str:
    """One rule: the words of a page, and which page that is."""
    return f'"{sentence}" ({url})'


def harmless(text: str) -> str:
    """A text as one line of plain words; blank when it gives orders, as nothing about a company does."""
    bare = " ".join(clean(plain(text), ()).replace("*", "").replace("`", "").split()).replace('"', "'")
    return "" if _ORDERS.search(bare) else bare


def _facts(site: Site) -> Iterator[tuple[str, str, str]]:
    for page in sorted(site.pages, key=lambda page: _TOPICS.index(page.topic)):
        told = (line.strip("#*-•| \t") for line in page.text.split("\n"))
        said = (sentence for line in told for sentence in sentences(line[:2_000]))
        # Cleaning takes time, and a page of thousands of numbers is no contact page.
        for kind, sentence in islice(_telling(said), _MOST_SENTENCES):
            bare = harmless(sentence)
            if 8 <= len(bare) <= _LONGEST and not _MACHINES.search(bare):
                yield kind, bare, page.url


def _telling(said: Iterator[str]) -> Iterator[tuple[str, str]]:
    for sentence in said:
        if len(sentence) <= 2 * _LONGEST:
            for kind, pattern in _KINDS:
                if pattern.search(sentence) and (kind != "hours" or _OF_HOURS.search(sentence)):
                    yield kind, sentence
                    break
