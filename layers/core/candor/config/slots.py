"""Settings of slots: what a question may leave open, such as the system or the period it is about."""

from collections.abc import Mapping
from typing import Any, Final

from candor.config.sections import Kind, Section, Setting

SLOTS: Final = ("product_type", "os", "billing_cycle", "region")

_VALUES: Final = {
    "product_type": "normalizer_slot_product_types",
    "os": "normalizer_slot_os_types",
    "billing_cycle": "normalizer_slot_billing_cycles",
    "region": "normalizer_slot_regions",
}


def _values(name: str, about: str, *known: str) -> Setting:
    return Setting(name=name, kind=Kind.WORDS, default=list(known), longest=80, most=100, about=about)


def _slot(text: str) -> str:
    name = text.casefold()
    # The older product switched all of them with one word.
    if name in ("true", "on", "yes", "1"):
        return "*"
    if name in ("false", "off", "no", "0"):
        return ""
    if name != "*" and name not in SLOTS:
        raise ValueError(f"may hold {', '.join(SLOTS)}")
    return name


NORMALIZER: Final = Section(
    name="slots",
    by_key=True,
    settings=(
        Setting(
            name="normalizer_slots_enabled",
            kind=Kind.WORDS,
            default=list(SLOTS),
            check=_slot,
            longest=40,
            about="The slots in use: product_type, os, billing_cycle, region. An empty list: none.",
        ),
        _values("normalizer_slot_product_types", "Kinds of products that are sold, such as VPS. Empty: off."),
        _values(
            "normalizer_slot_os_types",
            "Operating systems that evidence may differ by. Empty: off.",
            "windows",
            "linux",
            "macos",
            "android",
            "ios",
        ),
        _values(
            "normalizer_slot_billing_cycles",
            "Billing periods that evidence may differ by. Empty: off.",
            "monthly",
            "quarterly",
            "yearly",
        ),
        _values("normalizer_slot_regions", "Regions that evidence may differ by. Empty: off."),
    ),
)


def slots_of(shown: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Known values by slot, of those that are in use."""
    enabled = shown["normalizer_slots_enabled"]
    used = SLOTS if "*" in enabled else tuple(slot for slot in SLOTS if slot in enabled)
    return {slot: tuple(shown[_VALUES[slot]]) for slot in used if shown[_VALUES[slot]]}
