"""Known: every section there is, in the order in which the whole is shown."""

from typing import Final

from candor.config.archi import ARCHI
from candor.config.bitrix24 import BITRIX24
from candor.config.brand import BRAND
from candor.config.limits import LIMITS
from candor.config.llm import LLM
from candor.config.prompts import PROMPTS
from candor.config.sections import Section
from candor.config.slots import NORMALIZER
from candor.config.whmcs import WHMCS
from candor.config.whmcs_notes import WHMCS_NOTES

SECTIONS: Final[tuple[Section, ...]] = (
    LLM,
    ARCHI,
    PROMPTS,
    BRAND,
    LIMITS,
    NORMALIZER,
    WHMCS,
    WHMCS_NOTES,
    BITRIX24,
)
