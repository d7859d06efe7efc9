"""Service of portraits: from an address to what a company's site says, and into the settings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from candor.answering.models import Model
from candor.config.service import Configuration
from candor.portrait.asking import drawn
from candor.portrait.composing import greeting, persona
from candor.portrait.facts import harmless, rules_of
from candor.portrait.signals import colors_of, domain_of, language_of, name_of, tone_of
from candor.portrait.terms import terms_of
from candor.portrait.values import Portrait, Site
from candor.portrait.visiting import Visiting

_MODEL_SECONDS: Final = 9.0


class Portraits:
    """Draws companies from their own sites. Errors are `Visiting.visit`'s."""

    def __init__(
        self,
        *,
        visiting: Visiting,
        configuration: Configuration,
        models: Callable[[], Sequence[Model]],
    ) -> None:
        """`models`: who may write now, the best first; nobody: rules do it all."""
        self._visiting = visiting
        self._configuration = configuration
        self._models = models

    def draw(self, address: str) -> Portrait:
        """What a site says, without keeping it."""
        site = self._visiting.visit(address)
        plain = by_rules(site)
        models = self._models()
        return drawn(site, plain, models=models, seconds=_MODEL_SECONDS) if models else plain

    def keep(self, portrait: Portrait, *, by: str) -> int:
        """Make it the settings in force; the version they are. What the site does not say stays as it was."""
        prompts = {
            "system_prompt": portrait.persona,
            "prompt_domain": portrait.prompt_domain,
            "custom_prompt_rules": "\n".join(portrait.rules) or None,
        }
        self._configuration.put("prompts", prompts, by=by)
        self._configuration.put("brand", _brand(portrait, self._configuration.shown("brand")), by=by)
        return self._configuration.version


def by_rules(site: Site) -> Portrait:
    """The portrait that needs no model: each part by a rule, and no sentence from a page but quotes."""
    language, name = language_of(site), harmless(name_of(site)) or "Support"
    tone, domain = tone_of(site, language), domain_of(site)
    return Portrait(
        app_name=name,
        language=language,
        persona=persona(name, language=language, domain=domain, tone=tone),
        prompt_domain=domain,
        rules=rules_of(site),
        greeting=greeting(name, language=language, tone=tone),
        tone=tone,
        colors=colors_of(site),
        domain_terms=terms_of(site, name=name, language=language),
        pages=tuple(page.url for page in site.pages),
    )


def _brand(portrait: Portrait, before: Mapping[str, Any]) -> dict[str, Any]:
    """The brand's settings; of `branding` the colours, beside what is there."""
    branding = dict(before.get("branding") or {})
    if portrait.colors:
        branding["colors"] = dict(portrait.colors)
    return {
        "app_name": portrait.app_name,
        "greeting": portrait.greeting,
        "tone": portrait.tone,
        "domain_terms": list(portrait.domain_terms) or None,
        "branding": branding or None,
    }
