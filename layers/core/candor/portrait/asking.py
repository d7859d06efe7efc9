"""Asking: one call to a model that reads the pages, and what of its reply is believed."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast, get_args

from candor.answering.models import Message, Model, prompt
from candor.answering.words import fold
from candor.errors import CandorError
from candor.portrait.facts import harmless, quoted
from candor.portrait.values import Domain, Portrait, Site, Tone

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["app_name", "persona", "greeting", "tone", "prompt_domain", "domain_terms", "rules"],
    "properties": {
        "app_name": {"type": "string"},
        "persona": {"type": "string"},
        "greeting": {"type": "string"},
        "tone": {"type": "string", "enum": list(get_args(Tone))},
        "prompt_domain": {"type": "string", "enum": list(get_args(Domain))},
        "domain_terms": {"type": "array", "items": {"type": "string"}},
        "rules": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["quote", "page"],
                "properties": {"quote": {"type": "string"}, "page": {"type": "integer"}},
            },
        },
    },
}

_LONGEST: Final = 12_000
"""Characters of all pages together."""

_FENCE = re.compile(r"<(?=\s*/?\s*page\b)", re.IGNORECASE)


def drawn(site: Site, plain: Portrait, *, models: Sequence[Model], seconds: float) -> Portrait:
    """
    The portrait as the first model that replies draws it; where its word cannot be checked, `plain` stays.

    A name, term or rule counts if it is on the pages word for word, a sentence if it gives no orders.
    """
    messages = [
        Message(role="system", content=prompt("portrait").replace("{language}", plain.language)),
        Message(role="user", content=_briefing(site)),
    ]
    for model in models[:1]:
        try:
            reply = model.complete(messages, schema=SCHEMA, timeout_seconds=seconds)
        except CandorError:
            return plain
        said = _loaded(reply.text)
        if said:
            return _believed(said, site, plain)
    return plain


def _briefing(site: Site) -> str:
    room = _LONGEST // len(site.pages)
    return "\n".join(
        f'<page number="{number}" about="{page.topic}">\n'
        f"{_FENCE.sub('‹', page.title)}\n{_FENCE.sub('‹', page.text[:room])}\n</page>"
        for number, page in enumerate(site.pages, start=1)
    )


def _believed(said: Mapping[str, Any], site: Site, plain: Portrait) -> Portrait:
    written = _same(f"{site.text}\n" + "\n".join(page.title for page in site.pages))
    name = harmless(_text(said, "app_name", 60))
    terms = [harmless(term[:60]) for term in _list(said, "domain_terms") if isinstance(term, str)]
    kept = [term for term in dict.fromkeys(terms) if len(term) > 1 and _same(term) in written]
    rules = [rule for item in _list(said, "rules")[:12] if (rule := _rule(item, site))]
    persona, greeting = (harmless(_text(said, field, 600)) for field in ("persona", "greeting"))
    tone, domain = said.get("tone"), said.get("prompt_domain")
    named = name if len(name) > 1 and _same(name) in written else plain.app_name
    return replace(
        plain,
        app_name=named,
        persona=persona or plain.persona,
        greeting=greeting[:300] or plain.greeting,
        tone=cast(Tone, tone) if tone in get_args(Tone) else plain.tone,
        prompt_domain=cast(Domain, domain) if domain in get_args(Domain) else plain.prompt_domain,
        domain_terms=tuple(kept[:30]) or plain.domain_terms,
        rules=tuple(dict.fromkeys((*plain.rules, *rules)))[:12],
        written_by="model",
    )


def _rule(item: object, site: Site) -> str:
    """A quote that is on the page it names, word for word."""
    if not isinstance(item, dict) or not isinstance(item.get("quote"), str):
        return ""
    number, bare = item.get("page"), harmless(item["quote"][:300])
    if not isinstance(number, int) or not 1 <= number <= len(site.pages) or len(bare) < 8:
        return ""
    page = site.pages[number - 1]
    return quoted(bare, page.url) if _same(bare) in _same(page.text) else ""


def _same(text: str) -> str:
    """What counts of a text when words are compared with a page's."""
    return " ".join(re.sub(r"[*_`#|>\"']", " ", fold(text)).split())


def _text(said: Mapping[str, Any], name: str, longest: int) -> str:
    value = said.get(name)
    return value.strip()[:longest] if isinstance(value, str) else ""


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    value = said.get(name)
    return value[:60] if isinstance(value, list) else []


def _loaded(text: str) -> Mapping[str, Any]:
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
