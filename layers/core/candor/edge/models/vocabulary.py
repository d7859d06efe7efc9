"""Models of intents, of document types, and of what a company's own site says about it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from candor.doc_types import DocType
from candor.edge.models import Body, Reply, Words
from candor.intents.values import LONGEST_ANSWER, MOST_PATTERNS, Intent
from candor.portrait.values import Portrait

_Key = Annotated[Words, Field(max_length=64)]
_Pattern = Annotated[str, Field(max_length=2_000)]
_Patterns = _Pattern | Annotated[list[_Pattern], Field(min_length=1, max_length=MOST_PATTERNS)]
_Answer = Annotated[Words, Field(max_length=LONGEST_ANSWER)]
_Order = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class IntentBody(Body):
    """Patterns are searched for anywhere in a message; upper and lower case are the same."""

    key: _Key
    patterns: _Patterns
    """A regular expression as Python writes them, or a list of them."""
    answer: _Answer
    """`{app_name}` and `{greeting}` stand for these settings."""
    translations: dict[str, Annotated[str, Field(max_length=LONGEST_ANSWER)]] | None = None
    """The answer by language, for those who ask in another: en, ru, uk, de, es, vi."""
    enabled: bool = True
    sort_order: _Order | None = None
    """The first that matches answers. Left out: at the end."""


class IntentChanges(Body):
    """Fields left out keep their value. A new answer without translations drops the old ones."""

    key: _Key | None = None
    patterns: _Patterns | None = None
    answer: _Answer | None = None
    translations: dict[str, Annotated[str, Field(max_length=LONGEST_ANSWER)]] | None = None
    enabled: bool | None = None
    sort_order: _Order | None = None


class IntentReply(Reply):
    id: str
    key: str
    patterns: str | list[str]
    """As they were given: one, or a list."""
    answer: str
    translations: dict[str, str]
    enabled: bool
    sort_order: int

    @classmethod
    def of(cls, intent: Intent) -> Self:
        patterns = intent.patterns
        return cls(
            id=intent.intent_id,
            key=intent.key,
            patterns=patterns if isinstance(patterns, str) else list(patterns),
            answer=intent.answer,
            translations=dict(intent.translations),
            enabled=intent.enabled,
            sort_order=intent.sort_order,
        )


class DocTypeBody(Body):
    key: _Key
    label: Annotated[str, Field(max_length=200)] = ""
    """Left out: the key."""
    description: Annotated[str, Field(max_length=2_000)] = ""
    enabled: bool = True
    sort_order: _Order | None = None
    """Left out: at the end."""


class DocTypeChanges(Body):
    """Fields left out keep their value. A new key leaves the documents as they are."""

    key: _Key | None = None
    label: Annotated[Words, Field(max_length=200)] | None = None
    description: Annotated[str, Field(max_length=2_000)] | None = None
    enabled: bool | None = None
    sort_order: _Order | None = None


class DocTypeReply(Reply):
    id: str
    key: str
    label: str
    description: str
    enabled: bool
    """A type that is switched off is not given to pages by their address and headings."""
    sort_order: int

    @classmethod
    def of(cls, doc_type: DocType) -> Self:
        return cls(
            id=doc_type.doc_type_id,
            key=doc_type.key,
            label=doc_type.label,
            description=doc_type.description,
            enabled=doc_type.enabled,
            sort_order=doc_type.sort_order,
        )


class GenerateBody(Body):
    """The company's own site, by an address or a domain."""

    url: Annotated[str, Field(max_length=2_000)] | None = None
    domain: Annotated[str, Field(max_length=300)] | None = None
    dry_run: bool = False
    """Only show what would be set."""


class GeneratedReply(Reply):
    """What the site says about its company, as it was set."""

    status: Literal["ok"]
    saved: bool
    persona: str
    """Who the assistant is: set as `system_prompt`."""
    prompt_domain: Literal["support", "legal", "generic"]
    custom_prompt_rules: str
    app_name: str
    greeting: str
    tone: str
    colors: dict[str, str]
    domain_terms: list[str]
    language: str
    """The site's own, in which all of it is written."""
    pages: list[str]
    """The addresses that were read."""
    written_by: Literal["model", "rules"]
    version: int
    """Of the configuration, after it."""

    @classmethod
    def of(cls, portrait: Portrait, *, saved: bool, version: int) -> Self:
        said: dict[str, Any] = {
            name: getattr(portrait, name)
            for name in (
                "persona",
                "prompt_domain",
                "app_name",
                "greeting",
                "tone",
                "language",
                "written_by",
            )
        }
        return cls(
            status="ok",
            saved=saved,
            custom_prompt_rules="\n".join(portrait.rules),
            colors=dict(portrait.colors),
            domain_terms=list(portrait.domain_terms),
            pages=list(portrait.pages),
            version=version,
            **said,
        )
