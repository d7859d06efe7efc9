"""Values of a portrait: the pages it is drawn from, and what is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Topic = Literal["home", "about", "pricing", "terms", "support", "help"]
Tone = Literal["formal", "friendly", "neutral"]
Domain = Literal["support", "legal", "generic"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePage:
    """One page of the site, read."""

    url: str
    topic: Topic
    title: str = ""
    text: str = ""
    html: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What was read of a site: the home page first."""

    pages: tuple[SitePage, ...]
    styles: str = ""
    """Its style sheets, one after the other."""

    @property
    def home(self) -> SitePage:
        return self.pages[0]

    @property
    def text(self) -> str:
        """All there is to read."""
        return "\n\n".join(page.text for page in self.pages)


@dataclass(frozen=True, kw_only=True, slots=True)
class Portrait:
    """What a site says about its company. Everything in it is plain text without links or markup."""

    app_name: str
    language: str
    persona: str
    """Who the assistant is, in the site's language."""
    prompt_domain: Domain
    rules: tuple[str, ...] = ()
    """Facts of the house, each quoted with the address of its page."""
    greeting: str = ""
    tone: Tone = "neutral"
    colors: Mapping[str, str] = field(default_factory=dict)
    """`#rrggbb` by use: primary, secondary, background, text."""
    domain_terms: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    written_by: Literal["model", "rules"] = "rules"
