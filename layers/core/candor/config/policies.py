"""Policies: the settings in force, as those who answer read them."""

from collections.abc import Mapping
from typing import Any

from candor.answering.deciding import Thresholds
from candor.answering.models import prompt
from candor.answering.policy import Policy
from candor.config.archi import ARCHI
from candor.config.brand import BRAND
from candor.config.prompts import PROMPTS
from candor.config.reading import Reading
from candor.config.slots import NORMALIZER, slots_of


def policy_of(reading: Reading) -> Policy:
    """What an operator has tuned about answers."""
    archi, brand = reading.shown(ARCHI.name), reading.shown(BRAND.name)
    return Policy(
        app_name=brand["app_name"],
        greeting=brand["greeting"],
        house_rules=house_rules(reading.shown(PROMPTS.name), tone=brand["tone"]),
        domain_terms=tuple(brand["domain_terms"]),
        slots=slots_of(reading.shown(NORMALIZER.name)),
        thresholds=_thresholds(archi["answer_confidence"]),
        writes_with_model=archi["writes_with_model"],
        condenses_with_model=archi["condenses_with_model"],
        routes_by_task=archi["llm_task_aware_routing_enabled"],
        asks_back=archi["asks_back"],
        small_talk=archi["small_talk"],
        several_questions=archi["several_questions"],
        detects_language=archi["language_detect_enabled"],
        default_language=archi["default_language"],
        version=reading.version,
    )


def house_rules(prompts: Mapping[str, Any], *, tone: str = "") -> str:
    """What a company adds to the instructions of a model: its own words, those of its trade, its rules."""
    parts = (
        prompts["system_prompt"],
        prompt(f"domain_{prompts['prompt_domain']}"),
        f"Speak in this tone: {tone}" if tone else "",
        prompts["custom_prompt_rules"],
    )
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _thresholds(confidence: float | None) -> Thresholds:
    if confidence is None:
        return Thresholds()
    # A question back is for what is less sure than an answer.
    return Thresholds(answer=confidence, ask=min(Thresholds().ask, confidence))
