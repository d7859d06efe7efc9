"""Settings of the brand: what the assistant is called, how it greets, and how its pages look."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from candor.config.sections import Kind, Section, Setting

_COLOR = re.compile(
    r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})|[a-z]{3,30}|(?:rgb|hsl)a?\([0-9a-z.,%/ ]{3,60}\)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)
_RUNS = re.compile(r"\s*(?:javascript|vbscript|data|file)\s*:", re.IGNORECASE)
_LEADS = ("logo", "icon", "url", "link", "image")
_DEEPEST: Final = 4


def _branding(value: Mapping[str, Any]) -> None:
    """Pages show it: colours are colours, addresses are http(s), and nothing in it runs."""
    for path, part in _parts(value):
        *above, name = path.casefold().split(".")
        if "colors" in above or name.endswith(("color", "colour")):
            if not isinstance(part, str) or (part and not _COLOR.fullmatch(part)):
                raise ValueError(f'{path} must be a colour, such as "#1a73e8"')
        elif isinstance(part, str):
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in part):
                raise ValueError(f"{path} holds a control character")
            leads = any(word in name for word in _LEADS)
            if part and (_RUNS.match(part) or (leads and not _ADDRESS.fullmatch(part))):
                raise ValueError(f"{path} must be an address that begins with http:// or https://")


def _parts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST:
        raise ValueError(f"is nested deeper than {_DEEPEST} levels")
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _parts(part, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _parts(part, f"{path}.{number}", depth + 1)
    else:
        yield path, value


BRAND: Final = Section(
    name="brand",
    by_key=True,
    settings=(
        Setting(name="app_name", longest=100, about="What the assistant is called in answers."),
        Setting(
            name="greeting",
            longest=1_000,
            lines=True,
            about="What a greeting is answered with. Blank: a few words in the asker's language.",
        ),
        Setting(
            name="domain_terms",
            kind=Kind.WORDS,
            default=[],
            longest=80,
            most=300,
            about="Words of the company's trade: they count as names when evidence is weighed.",
        ),
        Setting(
            name="branding",
            kind=Kind.OBJECT,
            default={},
            longest=8_000,
            shape=_branding,
            about="How pages of the assistant look: colors, logo, and what else they read.",
        ),
        Setting(
            name="tone",
            longest=300,
            about='How the assistant speaks, in a few words, such as "formal, brief".',
        ),
    ),
)
