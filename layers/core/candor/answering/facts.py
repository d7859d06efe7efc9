"""Facts: what in a sentence must stand in the evidence exactly: numbers, prices, dates, links, commands."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache

from candor.answering.cleaning import ADDRESSED, URL, host_of
from candor.answering.data import data
from candor.answering.words import fold

_NUMBER = re.compile(
    r"(?<![\w.,])[-+−]?\d{1,30}(?:[.,\u00a0\u202f '’]\d{1,12}){0,6}(?![\w]*[-_./:]\w)"
    r"|\d{1,30}(?:[.,]\d{1,12}){0,4}"
)
_BETWEEN = re.compile(
    r"[\s\u00a0\u202f-]{0,2}(?:(?:business|working|calendar|рабоч\w+|календарн\w+|робоч\w+|hábiles|full|consecutive|more|"
    r"volle)\s)?(us\$|[€$£₽₴₫¥%]|por ciento|[^\W\d_]{1,16})",
    re.I,
)
_BEFORE = re.compile(r"(us\$|[€$£₽₴₫¥]|\b(?:eur|usd|gbp|chf|rub|uah))\s?[-−]?$", re.I)
_TO_NEXT = re.compile(r"\s?(?:[-–—]|to|bis|до|a|đến)\s?[€$£]?\d[\d.,]{0,12}(?!\d)", re.I)
"""The end of a range, whose unit is that of its beginning too: "1–3 days"."""
_WORDS = re.compile(r"[^\W\d_]+")
_UP_TO = re.compile(r"\s?(?:[-–—]|to|until|till|through|bis|до|по|a|al|đến)\s?", re.I)
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DOTTED = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")
_DAY_MONTH = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?([^\W\d_]{3,12})\.?(?:,?\s+(?:de\s+)?(\d{4}))?", re.I
)
_MONTH_DAY = re.compile(r"\b([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(\d{4}))?", re.I)
_TIME = re.compile(r"(?<![\d:.,])(\d{1,2}):(\d{2})(?![\d:])(?:\s?([ap])\.?m\b)?", re.I)
_HOUR = re.compile(r"(?<![\d:.,])(\d{1,2})\s?(?:([ap])\.?m\b|uhr\b|годин\w*\s(?:ранку|вечора))", re.I)
_PHONE = re.compile(r"(?<![\w.,])(?:\+|0)\d{1,4}(?:[ /()-]{1,2}\d{2,8}){2,6}(?!\d)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[\w-]{2,24}")
_HOST = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,5}(?:com|net|org|io|app|dev|info|biz|co|me|ru|de|es|ua|vn|"
    r"uk|eu|us|cloud|example|test|local)(?![\w-])",
    re.I,
)
_IP = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.])")
_SPAN = re.compile(r"`([^`\n]{1,300})`")
_FENCE = re.compile(r"```[^\n]{0,30}\n(.{1,6000}?)```", re.S)
_PATH = re.compile(
    r"(?<![\w/:.])(?:~|\.{1,2})?/[\w.-]{1,100}(?:/[\w.@-]{1,100}){1,20}/?|(?<![\w-])--[a-z][\w-]{1,40}"
    r"|(?<![\w-])v-[a-z]{1,40}(?:-[a-z0-9]{1,40}){1,8}"
)
_SNAKE = re.compile(r"(?<![\w-])[A-Za-z][\w-]{2,80}(?![\w-])")
_VERSION = re.compile(r"(?<![\w.-])[A-Za-z0-9]++(?:[.-][A-Za-z0-9]++)*+")


@cache
def _table(name: str) -> dict[str, str]:
    """Each word of a table of `data/measures.json`, with what it stands for."""
    return {word: meaning for meaning, words in data("measures")[name].items() for word in words}


@cache
def strict_units() -> frozenset[str]:
    """Units without which a number says nothing: currencies and percent."""
    return frozenset({*_table("currencies").values(), "%"})


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it may be meant ("1.000" is a thousand or one), with what it counts, if told."""

    text: str
    values: frozenset[Decimal]
    unit: str | None

    def agrees(self, other: "Number") -> bool:
        return bool(self.values & other.values) and (
            self.unit is None or other.unit is None or self.unit == other.unit
        )


def numbers(text: str) -> list[Number]:
    """Every number of a text; dates, times, telephones and addresses are none. Number words are read too."""
    bare = _bare(text)
    folded = fold(bare)
    words = _table("number_words")
    return [
        *_in_digits(bare),
        *(
            Number(word, frozenset({Decimal(words[word])}), _unit(folded, match.start(), match.end()))
            for match in _NUMBER_WORD.finditer(folded)
            if (word := match.group()) in words
        ),
    ]


def digits(text: str) -> list[Number]:
    """Only the numbers written in digits: what a sentence has to have from its evidence."""
    return _in_digits(_bare(text)) if _DIGIT.search(text) else []


_DIGIT = re.compile(r"\d")
_NUMBER_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def _bare(text: str) -> str:
    """The text with blanks in the place of what is written in digits and is no number, and of addresses."""
    bare = text
    if ADDRESSED.search(text):
        bare = _blanked(bare, (URL, _EMAIL))
    return _blanked(bare, (_IP, _ISO, _DOTTED, _PHONE, _TIME, _HOUR)) if _DIGIT.search(bare) else bare


def _blanked(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    for pattern in patterns:
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    return text


def _in_digits(bare: str) -> list[Number]:
    return [
        Number(match.group(), values, _unit(bare, match.start(), match.end()))
        for match in _NUMBER.finditer(bare)
        if (values := _values(match.group()))
    ]


def _values(written: str) -> frozenset[Decimal]:
    text = written.replace("−", "-").lstrip("+").strip("'’ \u00a0\u202f")
    readings = set()
    for spaced in ("", ".") if re.search(r"[\u00a0\u202f '’]", text) else ("",):
        joined = re.sub(r"[\u00a0\u202f '’]", spaced, text)
        if re.search(r"[\u00a0\u202f '’](?!\d{3}(?!\d))", text):
            joined = re.split(r"[\u00a0\u202f '’]", text)[0]
        for candidate in _readings(joined):
            try:
                readings.add(Decimal(candidate).normalize())
            except InvalidOperation:
                continue
    return frozenset(readings)


def _readings(text: str) -> Iterator[str]:
    commas, points = text.count(","), text.count(".")
    if commas and points:
        decimal = "," if text.rfind(",") > text.rfind(".") else "."
        other = "." if decimal == "," else ","
        yield text.replace(other, "").replace(decimal, ".")
    elif commas or points:
        mark = "," if commas else "."
        groups = text.lstrip("-").split(mark)
        if all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3:
            yield text.replace(mark, "")
        if commas + points == 1:
            yield text.replace(mark, ".")
    else:
        yield text


def _unit(text: str, start: int, end: int) -> str | None:
    before = _BEFORE.search(text[max(0, start - 5) : start])
    if before:
        return _table("currencies")[before.group(1).lower()]
    further = _TO_NEXT.match(text, end)
    after = _BETWEEN.match(text, further.end() if further else end)
    if not after:
        return None
    word = fold(after.group(1))
    if word in _table("currencies"):
        return _table("currencies")[word]
    for length in range(len(word), 0, -1):
        unit = _table("units").get(word[:length])
        # Short keys must be the whole word ("m" begins anything); longer ones may carry an ending.
        if unit and (length == len(word) or (length >= 3 and len(word) - length <= 3)):
            return unit
    return None


def measures(word: str) -> bool:
    """Whether a folded word is only a currency or unit, which is compared with its number."""
    return word in _table("currencies") or word in _table("units")


def dates(text: str) -> list[tuple[int | None, int, int]]:
    """(year or None, month, day) of every date; both readings of 03/04/2026."""
    found: list[tuple[int | None, int, int]] = []
    for match in _ISO.finditer(text):
        found.append((int(match[1]), int(match[2]), int(match[3])))
    for match in _DOTTED.finditer(text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        found.append((year, second, first))
        if "/" in match.group():
            found.append((year, first, second))
    for pattern, day, month in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        for match in pattern.finditer(text):
            number = _month(match[month])
            if number and 1 <= int(match[day]) <= 31:
                found.append((int(match[3]) if match[3] else None, number, int(match[day])))
    return [each for each in found if _possible(each)]


def times(text: str) -> list[tuple[int, int]]:
    """(hour, minute) of every time of day, on a clock of 24 hours."""
    found = []
    for match in _TIME.finditer(text):
        found.append(_on_clock(int(match[1]), int(match[2]), match[3]))
    for match in _HOUR.finditer(text):
        found.append(_on_clock(int(match[1]), 0, match[2]))
    return found


def weekdays(text: str) -> frozenset[int]:
    """The days of the week a text names, Monday 0; "Mon–Fri" names all of them."""
    named: set[int] = set()
    found = [
        (match.start(), match.end(), int(_table("weekdays")[word]))
        for match in _WORDS.finditer(text)
        if (word := fold(match.group())) in _table("weekdays")
        and (len(word) > 3 or match.group()[0].isupper())
    ]
    for place, (start, _, day) in enumerate(found):
        named.add(day)
        if place and _UP_TO.fullmatch(text[found[place - 1][1] : start]):
            first = found[place - 1][2]
            named.update((first + step) % 7 for step in range((day - first) % 7))
    return frozenset(named)


def _on_clock(hour: int, minute: int, half: str | None) -> tuple[int, int]:
    if half is None:
        return hour, minute
    return hour % 12 + (12 if half.lower() == "p" else 0), minute


def phones(text: str) -> list[str]:
    """The digits of every telephone number."""
    return ["".join(re.findall(r"\d", match.group())) for match in _PHONE.finditer(text)]


def _month(word: str) -> int | None:
    word = fold(word)
    months = _table("months")
    lengths = (len(word), *range(len(word) - 1, 3, -1))
    return next((int(months[word[:n]]) for n in lengths if word[:n] in months), None)


def _possible(found: tuple[int | None, int, int]) -> bool:
    try:
        date(found[0] or 2024, found[1], found[2])
    except ValueError:
        return False
    return True


def same_date(one: tuple[int | None, int, int], other: tuple[int | None, int, int]) -> bool:
    return one[1:] == other[1:] and (one[0] is None or other[0] is None or one[0] == other[0])


def literals(text: str) -> list[str]:
    """What must stand in the evidence letter by letter: links, hosts, commands, paths, versions."""
    found: list[str] = []
    rest = text
    for block in _FENCE.finditer(text):
        found.extend(line.strip() for line in block.group(1).splitlines() if line.strip())
    rest = _FENCE.sub(" ", rest)
    for pattern in (_SPAN,):
        found.extend(match.group(1).strip() for match in pattern.finditer(rest))
        rest = pattern.sub(" ", rest)
    for pattern in (URL, _EMAIL, _IP, _HOST, _PATH):
        found.extend(match.group().rstrip(".,;:!?)") for match in pattern.finditer(rest))
        rest = pattern.sub(" ", rest)
    found.extend(word for word in _SNAKE.findall(rest) if "_" in word)
    for word in _VERSION.findall(rest):
        if word[0].isalpha() and any(letter.isdigit() for letter in word):
            found.append(word)
    return [item for item in found if item]


def links(text: str) -> list[str]:
    """The hosts of every link in a text."""
    return [host_of(match.group().rstrip(".,;:!?")) for match in URL.finditer(text)]


def squeezed(text: str) -> str:
    """For looking literals up: case, blanks, markup and placeholder brackets made equal."""
    return re.sub(r"[\s`*\\]+", " ", fold(text).replace("‹", "<").replace("›", ">").replace("\u00a0", " "))
