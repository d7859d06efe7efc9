"""Settings: what an administrator tunes while everything runs, with versions and a way back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from candor import wiring
from candor.answering.budgets import Tier
from candor.answering.models import Model
from candor.config.archi import ARCHI, INACTIVE
from candor.config.bitrix24 import BITRIX24
from candor.config.keys import section_of
from candor.config.limits import LIMITS
from candor.config.llm import LLM
from candor.config.prompts import PROMPTS
from candor.config.service import SEEN_AFTER_SECONDS, Configuration
from candor.config.whmcs import WHMCS
from candor.config.whmcs_notes import WHMCS_NOTES
from candor.doc_types import DocTypes
from candor.edge.gate import Gate
from candor.edge.http import Api, Call
from candor.edge.models.configuration import RollbackBody, VersionReply, VersionsQuery
from candor.edge.models.helpdesk import WhmcsBody, WhmcsReply
from candor.edge.models.settings import (
    ArchiReply,
    Bitrix24Reply,
    KeyBody,
    KeyReply,
    LimitsReply,
    LlmReply,
    PromptBody,
    PromptReply,
    RefreshedReply,
    SectionBody,
    SectionReply,
    WhmcsNotesReply,
    WholeReply,
)
from candor.edge.models.vocabulary import (
    DocTypeBody,
    DocTypeChanges,
    DocTypeReply,
    GenerateBody,
    GeneratedReply,
    IntentBody,
    IntentChanges,
    IntentReply,
)
from candor.edge.observability import observed
from candor.intents.service import Intents
from candor.portrait.service import Portraits
from candor.whmcs.crawl.remembering import Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    gate: Gate
    configuration: Configuration
    models: Callable[[Tier], Sequence[Model]]
    helpdesk: Memory
    intents: Intents
    doc_types: DocTypes
    portraits: Portraits


@cache
def service() -> Service:
    return Service(
        gate=wiring.gate(),
        configuration=wiring.configuration(),
        models=wiring.models(),
        helpdesk=wiring.helpdesk_memory(),
        intents=wiring.intents(),
        doc_types=wiring.doc_types(),
        portraits=wiring.portraits(),
    )


api = Api("settings", gate=lambda: service().gate)


@api.view("GET", "/v1/admin/config")
def show_all(call: Call) -> WholeReply:
    reading = service().configuration.refresh()
    shown = {name: reading.shown(name) for name in reading.sections}
    return WholeReply.of(shown, version=reading.version)


@api.view("GET", "/v1/admin/config/versions")
def list_versions(call: Call) -> list[VersionReply]:
    query: VersionsQuery = call.query
    return [
        VersionReply.of(version)
        for version in service().configuration.versions(limit=query.limit, before=query.before)
    ]


@api.view("POST", "/v1/admin/config/rollback")
def roll_back(call: Call) -> WholeReply:
    body: RollbackBody = call.body
    configuration = service().configuration
    shown = configuration.rollback(body.version, by=call.principal.principal_id)
    return WholeReply.of(shown, version=configuration.version)


@api.view("POST", "/v1/admin/config/refresh-cache")
def refresh(call: Call) -> RefreshedReply:
    return RefreshedReply(
        status="ok",
        message=f"Read anew here. Every function sees a change within {SEEN_AFTER_SECONDS:g} s without this.",
        version=service().configuration.refresh().version,
        seen_within_seconds=SEEN_AFTER_SECONDS,
    )


@api.view("GET", "/v1/admin/config/llm")
def show_llm(call: Call) -> SectionReply:
    return _llm(_shown(LLM.name))


@api.view("PUT", "/v1/admin/config/llm")
def put_llm(call: Call) -> SectionReply:
    return _llm(_put(call, LLM.name))


def _llm(shown: Mapping[str, Any]) -> SectionReply:
    writes = [model.name for model in service().models(Tier.FULL)]
    return LlmReply.of(shown, version=service().configuration.version, writes=writes)


@api.view("GET", "/v1/admin/config/archi")
def show_archi(call: Call) -> SectionReply:
    return _archi(_shown(ARCHI.name))


@api.view("PUT", "/v1/admin/config/archi")
def put_archi(call: Call) -> SectionReply:
    return _archi(_put(call, ARCHI.name))


def _archi(shown: Mapping[str, Any]) -> SectionReply:
    version = service().configuration.version
    return ArchiReply.of(shown, version=version, inactive=INACTIVE, descriptions=ARCHI.abouts())


@api.view("GET", "/v1/admin/config/limits")
def show_limits(call: Call) -> SectionReply:
    shown = _shown(LIMITS.name)
    return LimitsReply.of(shown, version=service().configuration.version)


@api.view("PUT", "/v1/admin/config/limits")
def put_limits(call: Call) -> SectionReply:
    return LimitsReply.of(_put(call, LIMITS.name), version=service().configuration.version)


@api.view("GET", "/v1/admin/config/bitrix24")
def show_bitrix24(call: Call) -> SectionReply:
    shown = _shown(BITRIX24.name)
    return Bitrix24Reply.of(shown, version=service().configuration.version)


@api.view("PUT", "/v1/admin/config/bitrix24")
def put_bitrix24(call: Call) -> SectionReply:
    return Bitrix24Reply.of(_put(call, BITRIX24.name), version=service().configuration.version)


@api.view("GET", "/v1/admin/config/whmcs_notes")
def show_whmcs_notes(call: Call) -> SectionReply:
    shown = _shown(WHMCS_NOTES.name)
    return WhmcsNotesReply.of(shown, version=service().configuration.version)


@api.view("PUT", "/v1/admin/config/whmcs_notes")
def put_whmcs_notes(call: Call) -> SectionReply:
    return WhmcsNotesReply.of(_put(call, WHMCS_NOTES.name), version=service().configuration.version)


def _shown(section: str) -> dict[str, Any]:
    """As it is now: who has just changed it may be answered by another process than before."""
    return service().configuration.refresh().shown(section)


def _put(call: Call, section: str) -> dict[str, Any]:
    body: SectionBody = call.body
    return service().configuration.put(section, body.sent(), by=call.principal.principal_id)


@api.view("GET", "/v1/admin/config/system-prompt")
def show_system_prompt(call: Call) -> PromptReply:
    return _prompt(_shown(PROMPTS.name))


@api.view("PUT", "/v1/admin/config/system-prompt")
def put_system_prompt(call: Call) -> PromptReply:
    body: PromptBody = call.body
    configuration, by = service().configuration, call.principal.principal_id
    return _prompt(configuration.put(PROMPTS.name, {"system_prompt": body.value or ""}, by=by))


def _prompt(shown: Mapping[str, Any]) -> PromptReply:
    return PromptReply(value=shown["system_prompt"], version=service().configuration.version)


@api.view("GET", "/v1/admin/config/{key}")
def show_key(call: Call) -> KeyReply:
    section, name = section_of(call.path["key"], service().configuration.sections)
    return _keyed(section, name, _shown(section))


@api.view("PUT", "/v1/admin/config/{key}")
def put_key(call: Call) -> KeyReply:
    body: KeyBody = call.body
    configuration, by = service().configuration, call.principal.principal_id
    section, name = section_of(call.path["key"], configuration.sections)
    # Elsewhere null leaves a setting as it is; here it is the whole of what was sent.
    value = "" if body.value is None else body.value
    return _keyed(section, name, configuration.put(section, {name: value}, by=by))


def _keyed(section: str, name: str, shown: Mapping[str, Any]) -> KeyReply:
    configuration = service().configuration
    about = configuration.sections[section].setting(name).about
    return KeyReply(key=name, value=shown[name], about=about, version=configuration.version)


@api.view("GET", "/v1/admin/config/whmcs")
def show_whmcs(call: Call) -> WhmcsReply:
    return _whmcs(_shown(WHMCS.name))


@api.view("PUT", "/v1/admin/config/whmcs")
def put_whmcs(call: Call) -> WhmcsReply:
    body: WhmcsBody = call.body
    by = call.principal.principal_id
    return _whmcs(service().configuration.put(WHMCS.name, body.sent(), by=by))


def _whmcs(shown: Mapping[str, Any]) -> WhmcsReply:
    return WhmcsReply.of(shown, version=service().configuration.version, login=service().helpdesk.login())


@api.view("POST", "/v1/admin/config/auto-generate-from-domain")
def draw_portrait(call: Call) -> GeneratedReply:
    body: GenerateBody = call.body
    portraits, by = service().portraits, call.principal.principal_id
    portrait = portraits.draw(body.url or body.domain or "")
    version = service().configuration.version if body.dry_run else portraits.keep(portrait, by=by)
    return GeneratedReply.of(portrait, saved=not body.dry_run, version=version)


@api.view("GET", "/v1/admin/intents")
def list_intents(call: Call) -> list[IntentReply]:
    return [IntentReply.of(intent) for intent in service().intents.read()[1]]


@api.view("POST", "/v1/admin/intents")
def add_intent(call: Call) -> IntentReply:
    body: IntentBody = call.body
    return IntentReply.of(service().intents.add(**body.model_dump()))


@api.view("GET", "/v1/admin/intents/{id}")
def show_intent(call: Call) -> IntentReply:
    return IntentReply.of(service().intents.get(call.path["id"]))


@api.view("PUT", "/v1/admin/intents/{id}")
def change_intent(call: Call) -> IntentReply:
    body: IntentChanges = call.body
    return IntentReply.of(service().intents.change(call.path["id"], body.model_dump()))


@api.view("DELETE", "/v1/admin/intents/{id}")
def delete_intent(call: Call) -> None:
    service().intents.delete(call.path["id"])


@api.view("GET", "/v1/admin/doc-types")
def list_doc_types(call: Call) -> list[DocTypeReply]:
    return [DocTypeReply.of(doc_type) for doc_type in service().doc_types.list()]


@api.view("POST", "/v1/admin/doc-types")
def add_doc_type(call: Call) -> DocTypeReply:
    body: DocTypeBody = call.body
    return DocTypeReply.of(service().doc_types.add(**body.model_dump()))


@api.view("GET", "/v1/admin/doc-types/{id}")
def show_doc_type(call: Call) -> DocTypeReply:
    return DocTypeReply.of(service().doc_types.get(call.path["id"]))


@api.view("PUT", "/v1/admin/doc-types/{id}")
def change_doc_type(call: Call) -> DocTypeReply:
    body: DocTypeChanges = call.body
    return DocTypeReply.of(service().doc_types.change(call.path["id"], body.model_dump()))


@api.view("DELETE", "/v1/admin/doc-types/{id}")
def delete_doc_type(call: Call) -> None:
    service().doc_types.delete(call.path["id"])


handler = observed(api, build=service)
