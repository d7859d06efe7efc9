"""Settings of the prompt: what a company adds to the instructions of the model that writes."""

from typing import Final

from candor.config.sections import Section, Setting

DOMAINS: Final = ("support", "legal", "generic")

PROMPTS: Final = Section(
    name="prompts",
    by_key=True,
    settings=(
        Setting(
            name="system_prompt",
            lines=True,
            longest=12_000,
            about="Who the assistant is, and how it speaks. Evidence and verification stay as they are.",
        ),
        Setting(
            name="prompt_domain",
            default="support",
            choices=DOMAINS,
            about="Rules of a trade: support, legal or generic.",
        ),
        Setting(
            name="custom_prompt_rules",
            lines=True,
            longest=12_000,
            about="Rules of the house, one on each line.",
        ),
    ),
)
