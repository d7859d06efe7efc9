"""Models of what is tuned: made from the sections of the configuration, so that the two cannot differ."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, WithJsonSchema, create_model

from candor.config.archi import ARCHI
from candor.config.bitrix24 import BITRIX24
from candor.config.limits import LIMITS
from candor.config.llm import LLM
from candor.config.prompts import PROMPTS
from candor.config.sections import Kind, Section, Setting
from candor.config.whmcs_notes import WHMCS_NOTES
from candor.edge.models import Body, Reply

_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.FLAG: bool,
    Kind.NUMBER: float,
    Kind.WHOLE: int,
    Kind.WORDS: list[str],
    Kind.OBJECT: dict[str, Any],
}


class SectionBody(Body):
    """Fields left out keep their value; a blank text takes one back to where it was."""

    def sent(self) -> dict[str, Any]:
        """What was given. The section itself says what it may be, in one place for every way in."""
        return {name: value for name, value in self if value is not None}


class SectionReply(Reply):
    version: int
    """Of the whole configuration; 0: nothing has been changed yet."""

    @classmethod
    def of(cls, shown: Mapping[str, Any], *, version: int, **more: Any) -> Self:
        return cls.model_validate({**shown, "version": version, **more})


def _schema(setting: Setting) -> dict[str, Any]:
    match setting.kind:
        case Kind.TEXT if setting.choices:
            return {"type": "string", "enum": ["", *setting.choices]}
        case Kind.TEXT:
            return {"type": "string", "maxLength": setting.longest}
        case Kind.FLAG:
            return {"type": "boolean"}
        case Kind.NUMBER | Kind.WHOLE:
            kind = "integer" if setting.kind is Kind.WHOLE else "number"
            return {"type": kind, "minimum": setting.least, "maximum": setting.greatest}
        case Kind.WORDS:
            text = {"type": "string", "maxLength": setting.longest}
            return {"type": "array", "items": text, "maxItems": setting.most}
        case Kind.OBJECT:
            return {"type": "object"}


def _body(name: str, section: Section) -> type[SectionBody]:
    fields: dict[str, Any] = {
        setting.name: (
            Annotated[Any, WithJsonSchema({"anyOf": [_schema(setting), {"type": "null"}]})],
            Field(None, description=setting.about),
        )
        for setting in section.settings
    }
    return create_model(name, __base__=SectionBody, **fields)


def _reply(name: str, section: Section, **more: Any) -> type[SectionReply]:
    fields: dict[str, Any] = {
        setting.name: (
            _TYPES[setting.kind] | None if setting.default is None else _TYPES[setting.kind],
            Field(description=setting.about),
        )
        for setting in section.settings
    }
    return create_model(name, __base__=SectionReply, **fields, **more)


LlmBody = _body("LlmBody", LLM)
LlmReply = _reply(
    "LlmReply",
    LLM,
    writes=(list[str], Field(description="The models that are asked, in this order. None: there is no key.")),
)
LimitsBody = _body("LimitsBody", LIMITS)
LimitsReply = _reply("LimitsReply", LIMITS)
Bitrix24Body = _body("Bitrix24Body", BITRIX24)
Bitrix24Reply = _reply("Bitrix24Reply", BITRIX24)
WhmcsNotesBody = _body("WhmcsNotesBody", WHMCS_NOTES)
WhmcsNotesReply = _reply("WhmcsNotesReply", WHMCS_NOTES)
ArchiBody = _body("ArchiBody", ARCHI)
ArchiReply = _reply(
    "ArchiReply",
    ARCHI,
    inactive=(list[str], Field(description="Kept for older clients, without a step in this pipeline.")),
    descriptions=(dict[str, str], Field(description="What each setting does.")),
)


class PromptReply(Reply):
    value: str
    version: int


class PromptBody(Body):
    value: Annotated[str, Field(max_length=PROMPTS.setting("system_prompt").longest)] | None
    """Blank or null: none."""


class KeyBody(Body):
    """One setting; null takes it back to where it was."""

    value: Any


class KeyReply(Reply):
    key: str
    value: Any
    about: str
    version: int


class WholeReply(Reply):
    """The configuration in force, by section; secrets as `…last4`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]]

    version: int

    @classmethod
    def of(cls, shown: Mapping[str, Mapping[str, Any]], *, version: int) -> Self:
        return cls(version=version, **{name: dict(section) for name, section in shown.items()})


class RefreshedReply(Reply):
    status: str
    message: str
    version: int
    seen_within_seconds: float
