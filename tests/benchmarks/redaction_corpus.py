"""
The corpus of redaction: sentences of our own with planted secrets, and with what only looks like one.

A sentence is written by hand (`tests/data/redaction/`); what stands in braces is filled in several times.
Half the sentences are for tuning (`dev`), half are held out: a hash of the sentence decides, no person.
"""

import hashlib
import random
import re
import string
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parents[1] / "data" / "redaction"
OWN: Final = ("@candor-hosting.com", "+1 800 555 0199")
"""What the corpus's company calls its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A text in parts: every second one (from the first on: index 1, 3, …) is planted, or looks so."""

    kind: str
    language: str
    parts: tuple[str, ...]
    secret: bool
    held_out: bool

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def marked(self) -> tuple[str, ...]:
        return self.parts[1::2]

    @property
    def around(self) -> tuple[str, ...]:
        return self.parts[::2]


@dataclass(kw_only=True, slots=True)
class Score:
    """How many items there are, how many went wrong, and in how many texts the words around them suffered."""

    items: int = 0
    wrong: int = 0
    texts: int = 0
    around: int = 0

    @property
    def rate(self) -> float:
        return self.wrong / self.items if self.items else 0.0


def leaks(sample: Sample, out: str) -> int:
    """How many planted items can still be read in `out`, wholly or five characters of them."""
    aligned = re.fullmatch("(.{0,400}?)".join(map(re.escape, sample.around)), out, re.S)
    left = aligned.groups() if aligned else (out,) * len(sample.marked)
    return sum(_readable(secret, text) for secret, text in zip(sample.marked, left, strict=True))


def _readable(secret: str, text: str) -> bool:
    size = min(5, len(secret))
    return any(secret[at : at + size] in text for at in range(len(secret) - size + 1))


def unharmed(sample: Sample, out: str) -> bool:
    """Whether every word around the planted items is where it was."""
    return re.fullmatch("(.{0,400}?)".join(map(re.escape, sample.around)), out, re.S) is not None


def touched(sample: Sample, out: str) -> int:
    """How many look-alikes are no longer what they were; one at least if anything has changed."""
    if out == sample.text:
        return 0
    before, after = Counter(sample.marked), Counter({one: out.count(one) for one in sample.marked})
    return max(1, sum(max(0, count - after[one]) for one, count in before.items()))


def scores(
    samples: Iterable[Sample], masking: Callable[[str], str], *, by: Callable[[Sample], str]
) -> Mapping[str, Score]:
    """What went wrong, by whatever `by` says of a sample."""
    found: dict[str, Score] = {}
    for sample in samples:
        score, out = found.setdefault(by(sample), Score()), masking(sample.text)
        score.items += len(sample.marked)
        score.texts += 1
        if sample.secret:
            score.wrong += leaks(sample, out)
            score.around += not unharmed(sample, out)
        else:
            score.wrong += touched(sample, out)
    return found


def planted() -> list[Sample]:
    """What must be masked."""
    return list(_samples("planted.txt", times=3))


def lookalikes() -> list[Sample]:
    """What must stay."""
    return list(_samples("lookalikes.txt", times=8))


def _samples(name: str, *, times: int) -> Iterator[Sample]:
    for line in (_DATA / name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        head, sentence = line.split(" | ", 1)
        kind, language = head.split()
        digest = hashlib.sha256(sentence.encode()).digest()
        rng = random.Random(digest)
        slots = re.search(r"\{[a-z0-9_]+\}", sentence)
        for _ in range(times if slots else 1):
            text = _filled(sentence, rng)
            text = re.sub(r"(?<!\\)\\n", "\n", text).replace("\\\\", "\\")
            parts = re.split("[⟦⟧]", text)
            yield Sample(
                kind=kind,
                language=language,
                parts=tuple(parts),
                secret=name == "planted.txt",
                held_out=digest[0] % 2 == 1,
            )


def _filled(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\{([a-z0-9_]+)\}", lambda slot: _FILL[slot[1]](rng), sentence)


def _pick(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choices(alphabet, k=size))


def _digits(rng: random.Random, size: int) -> str:
    return rng.choice("123456789") + _pick(rng, string.digits, size - 1)


def luhn_digit(body: str) -> str:
    """The digit that makes `body` pass."""
    total = 0
    for place, character in enumerate(reversed(body)):
        value = int(character) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


_BRANDS: Final = (
    ("4", 16), ("4", 16), ("51", 16), ("53", 16), ("55", 16), ("2221", 16), ("2720", 16),
    ("34", 15), ("37", 15),
    ("6011", 16), ("65", 16), ("3528", 16), ("36", 14), ("30", 14), ("62", 16), ("2200", 16), ("2204", 16),
    ("5018", 16), ("6304", 16), ("4", 19), ("8600", 16), ("9792", 16),
)  # fmt: skip
_JOINTS: Final = ("", " ", "-", "\u00a0", ".", "  ", " - ", "\u2009", "\u2013", "_", "\n")


def card_number(rng: random.Random, *, size: int = 0) -> str:
    prefix, length = rng.choice([brand for brand in _BRANDS if not size or brand[1] == size])
    if prefix == "30":
        prefix += rng.choice("012345")
    body = prefix + _pick(rng, string.digits, length - 1 - len(prefix))
    return body + luhn_digit(body)


def _grouped(number: str, joint: str) -> str:
    shape = {15: (4, 6, 5), 14: (4, 6, 4), 19: (4, 4, 4, 4, 3)}.get(len(number), (4, 4, 4, 4))
    groups, at = list[str](), 0
    for size in shape:
        groups.append(number[at : at + size])
        at += size
    return joint.join(groups)


def _card(rng: random.Random) -> str:
    return _grouped(card_number(rng), rng.choice(_JOINTS))


def _bad_card(rng: random.Random) -> str:
    number = card_number(rng, size=16)
    return number[:-1] + str((int(number[-1]) + rng.randrange(1, 10)) % 10)


_IBANS: Final = (
    ("DE", "d" * 18), ("GB", "AAAA" + "d" * 14), ("FR", "d" * 23), ("ES", "d" * 20), ("UA", "d" * 25),
    ("PL", "d" * 24),
    ("NL", "AAAA" + "d" * 10), ("IT", "A" + "d" * 22), ("LV", "AAAA" + "d" * 13), ("NO", "d" * 11),
)  # fmt: skip


def _iban(rng: random.Random) -> str:
    country, shape = rng.choice(_IBANS)
    body = "".join(rng.choice(string.ascii_uppercase if one == "A" else string.digits) for one in shape)
    value = int("".join(str(int(one, 36)) for one in f"{body}{country}00"))
    account = f"{country}{98 - value % 97:02}{body}"
    groups = [account[at : at + 4] for at in range(0, len(account), 4)]
    return rng.choice(("", " ", "\u00a0")).join(groups)


_WORDS: Final = (
    "Sommer",
    "Tiger",
    "bluebird",
    "Kosmos",
    "winter",
    "Barcelona",
    "panda",
    "Qwerty",
    "dragon",
    "Malina",
)
_CYRILLIC: Final = ("Кошка", "солнышко", "Весна", "медведь", "Зірка")


def _password(rng: random.Random) -> str:
    word, digits = rng.choice(_WORDS), _digits(rng, rng.choice((2, 3, 4)))
    return rng.choice(
        (
            word + digits,
            word + digits + rng.choice("!@#$%&*"),
            rng.choice("!@#") + word + "_" + digits,
            _pick(rng, string.ascii_letters, 5)
            + rng.choice("!#$%^&*+=?")
            + _digits(rng, 4)
            + _pick(rng, string.ascii_letters, 2),
            f"{word}-{rng.choice(_WORDS)}-{digits}",
            word.replace("a", "@").replace("o", "0").replace("i", "1") + digits + "!",
            rng.choice(_CYRILLIC) + digits,
            _pick(rng, string.ascii_letters, 3)
            + digits
            + _pick(rng, string.ascii_letters + string.digits, 7),
        )
    )


_USERS: Final = (
    "dana.reed",
    "o.koval",
    "m_reuter",
    "jlopez77",
    "ivan.petrov",
    "k-nowak",
    "ann",
    "sales.team",
    "h.dubois+web",
)
_HOSTS: Final = (
    "gmail.com",
    "brightol.net",
    "yandex.ru",
    "ukr.net",
    "web.de",
    "correo.es",
    "mail.northfox.co.uk",
    "firma-reuter.de",
)
_B62: Final = string.ascii_letters + string.digits


def _phone(*shapes: str) -> Callable[[random.Random], str]:
    def made(rng: random.Random) -> str:
        return re.sub(
            "[nd]", lambda one: rng.choice("23456789" if one[0] == "n" else string.digits), rng.choice(shapes)
        )

    return made


def _ip4(rng: random.Random) -> str:
    first = rng.choice((45, 78, 81, 91, 109, 138, 176, 185, 212, 217))
    return f"{first}.{rng.randrange(20, 250)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def _ip6(rng: random.Random) -> str:
    head = rng.choice(("2a01:4f8", "2a02:6b8", "2600:3c01", "2a00:1450"))
    groups = [f"{rng.randrange(1, 65536):x}" for _ in range(6)]
    one, two = groups[:2]
    return f"{head}:" + rng.choice((":".join(groups), f"{one}::{two}", f"{one}:{two}::1"))


def _number(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda rng: str(rng.randrange(low, high))


def _date(form: str) -> Callable[[random.Random], str]:
    def made(rng: random.Random) -> str:
        year, month, day = rng.randrange(2015, 2027), rng.randrange(1, 13), rng.randrange(1, 29)
        return form.format(y=year, m=month, d=day)

    return made


def _time(rng: random.Random) -> str:
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"


def _hours(rng: random.Random) -> str:
    return f"{rng.randrange(7, 10):02}:00-{rng.randrange(16, 20)}:30"


def _small_version(rng: random.Random) -> str:
    return ".".join(str(rng.randrange(0, 40)) for _ in range(4))


_FILL: Final[dict[str, Callable[[random.Random], str]]] = {
    "card": _card,
    "card16": lambda rng: card_number(rng, size=16),
    "badcard": _bad_card,
    "badcard_spaced": lambda rng: _grouped(_bad_card(rng), rng.choice((" ", "-"))),
    "iban": _iban,
    "password": _password,
    "password_url": lambda rng: _pick(rng, _B62 + "!$*_.-", 11),
    "email": lambda rng: f"{rng.choice(_USERS)}@{rng.choice(_HOSTS)}",
    "user": lambda rng: rng.choice(_USERS[:7]),
    "word": lambda rng: rng.choice(("brightol", "northfox", "acorn", "lumen", "zephyr")),
    "phone_e164": _phone(
        "+1dnndnddddd",
        "+49 1nd dddddddd",
        "+380ndddddddd",
        "+44 7ddd dddddd",
        "+34 6dd ddd ddd",
        "+7 9dd ddd-dd-dd",
    ),
    "phone_us": _phone(
        "(ndd) ndd-dddd",
        "ndd-ndd-dddd",
        "ndd.ndd.dddd",
        "1-ndd-ndd-dddd",
        "+1 (ndd) ndd-dddd",
        "ndd ndd dddd",
    ),
    "phone_uk": _phone("07ddd dddddd", "020 7ddd dddd", "+44 20 7ddd dddd", "07ddddddddd", "(0161) 4dd dddd"),
    "phone_ru": _phone(
        "8 (9dd) ddd-dd-dd",
        "+7 (9dd) ddd-dd-dd",
        "89ddddddddd",
        "8 9dd ddd dd dd",
        "+79ddddddddd",
        "8-9dd-ddd-dd-dd",
    ),
    "phone_ua": _phone(
        "067 ddd dd dd", "+38 (050) ddd-dd-dd", "0671dddddd", "(044) ddd-dd-dd", "+380 67 ddd dd dd"
    ),
    "phone_de": _phone(
        "030 ndddddd",
        "0171/ndddddd",
        "+49 (0)89 ndddddd",
        "0049 40 ndddddd",
        "0151-ndddddddd",
        "069 / nddd dddd",
    ),
    "phone_es": _phone("6dd ddd ddd", "91 ddd dd dd", "+34 6dd dd dd dd", "6dddddddd"),
    "phone_fr": _phone("06 dd dd dd dd", "06.dd.dd.dd.dd", "+33 6 dd dd dd dd", "01 dd dd dd dd"),
    "phone_pl": _phone("5dd ddd ddd", "+48 5dd ddd ddd", "22 ddd dd dd"),
    "phonelike": _phone("0ndd-dddd-ddd", "0nd dddddd", "ndd-ndd-dddd", "0ndddddddd"),
    "ip4": _ip4,
    "ip6": _ip6,
    "house": _number(1, 190),
    "hex": lambda rng: _pick(rng, "0123456789abcdef", 32),
    "hex4": lambda rng: _pick(rng, "123456789abcdef", 4),
    "hex8": lambda rng: _pick(rng, "0123456789ABCDEF", 8),
    "sha": lambda rng: _pick(rng, "0123456789abcdef", rng.choice((7, 12, 40))),
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "mac": lambda rng: ":".join(_pick(rng, "0123456789abcdef", 2) for _ in range(6)),
    "base62": lambda rng: _pick(rng, _B62, 20) + _digits(rng, 3) + _pick(rng, _B62, 9),
    "base64": lambda rng: _pick(rng, _B62 + "+/", 30) + _digits(rng, 2) + "==",
    "eight": lambda rng: _pick(rng, _B62, 5) + _digits(rng, 2) + _pick(rng, _B62, 1),
    "epp": lambda rng: _pick(rng, _B62, 6) + rng.choice("!#$%&*+=-") + _digits(rng, 3) + _pick(rng, _B62, 4),
    "upper8": lambda rng: _pick(rng, string.ascii_uppercase + string.digits, 8),
    "upper16": lambda rng: _pick(rng, string.ascii_uppercase + string.digits, 16),
    "digit": _number(1, 10),
    "small": _number(1, 250),
    "three": _number(100, 1000),
    "four": _number(1000, 10000),
    "six": _number(100_000, 1_000_000),
    "eight_digits": lambda rng: _digits(rng, 8),
    "nine": lambda rng: _digits(rng, 9),
    "ten": lambda rng: _digits(rng, 10),
    "txn": lambda rng: _digits(rng, rng.choice((11, 12, 17))),
    "frac": lambda rng: _digits(rng, 16),
    "big": lambda rng: f"{rng.randrange(1, 900)} {rng.randrange(100, 1000)}",
    "price": lambda rng: f"{rng.randrange(1, 2000)}.{rng.randrange(100):02}",
    "v4": _small_version,
    "year": _number(2015, 2027),
    "date": _date("{y}-{m:02}-{d:02}"),
    "dmy": _date("{d:02}.{m:02}.{y}"),
    "stamp": _number(1_500_000_000, 1_800_000_000),
    "ms": _number(1_500_000_000_000, 1_800_000_000_000),
    "time": _time,
    "hours": _hours,
}
