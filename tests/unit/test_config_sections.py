"""What an operator may tune: which values are taken, which are refused, and what comes of them."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from candor.adapters.memory_config import MemoryConfigStore
from candor.adapters.memory_vault import MemoryVault
from candor.answering.deciding import Thresholds
from candor.answering.values import Question
from candor.config.archi import ARCHI, INACTIVE
from candor.config.keys import section_of
from candor.config.known import SECTIONS
from candor.config.live import Live, rates_of
from candor.config.policies import policy_of
from candor.config.sections import Kind
from candor.config.service import MAX_BYTES, SEEN_AFTER_SECONDS
from candor.config.slots import SLOTS
from candor.errors import Invalid, Malformed, NotFound, Refused
from candor.limits import Rates
from tests.doubles.answering import Desk, ScriptedModel, said
from tests.doubles.clock import Ticks
from tests.doubles.tuning import tuned

REFUND = "You can ask for a refund within 30 days of the first order."
KEY = "sk-a-key-of-the-model-0001"


# ---------------------------------------------------------------- values
@pytest.mark.parametrize(
    ("section", "name", "value", "kept"),
    [
        ("archi", "asks_back", False, False),
        ("archi", "asks_back", "Off", False),
        ("archi", "default_language", "de-AT", "de"),
        ("archi", "answer_confidence", 0.8, 0.8),
        ("archi", "answer_confidence", 1, 1.0),
        ("archi", "answer_confidence", "0.25", 0.25),
        ("limits", "rate_limit_requests", 120, 120),
        ("limits", "rate_limit_requests", 120.0, 120),
        ("limits", "rate_limit_requests", "120", 120),
        ("limits", "rate_limit_requests", 0, 0),
        ("limits", "llm_tokens_per_day", 2_000_000_000_000, 2_000_000_000_000),
        ("brand", "domain_terms", " VPS, hosting ,,VPS", ["VPS", "hosting"]),
        ("brand", "branding", {"colors": {"main": "#1a73e8", "soft": "rgb(1, 2, 3)"}}, None),
        (
            "brand",
            "branding",
            '{"logo": "https://a.example/logo.svg"}',
            {"logo": "https://a.example/logo.svg"},
        ),
        ("prompts", "system_prompt", "One.\r\n\tTwo.", "One.\n\tTwo."),
        ("prompts", "prompt_domain", "legal", "legal"),
        ("slots", "normalizer_slots_enabled", "os, Region", ["os", "region"]),
        ("slots", "normalizer_slots_enabled", [], []),
        ("slots", "normalizer_slots_enabled", ["false"], []),
        ("slots", "normalizer_slot_os_types", [], []),
        ("llm", "llm_base_url", "https://models.example.com/v1/", "https://models.example.com/v1"),
        ("llm", "llm_fallback_model", "", ""),
    ],
)
def test_what_people_write_is_taken(section: str, name: str, value: Any, kept: Any) -> None:
    environment = {"llm": {"llm_fallback_model": "from-the-environment"}}

    shown = tuned(environment=environment).put(section, {name: value}, by="ada")

    assert shown[name] == (value if kept is None else kept)
    assert type(shown[name]) is type(value if kept is None else kept)


@pytest.mark.parametrize(
    ("section", "name", "value", "said"),
    [
        ("archi", "asks_back", "maybe", "true or false"),
        ("archi", "asks_back", 1, "true or false"),
        ("archi", "asks_back", [], "true or false"),
        ("archi", "default_language", "English!", "code of a language"),
        ("archi", "answer_confidence", 1.01, "from 0 to 1"),
        ("archi", "answer_confidence", -0.1, "from 0 to 1"),
        ("archi", "answer_confidence", math.nan, "a number"),
        ("archi", "answer_confidence", "nan", "a number"),
        ("archi", "answer_confidence", "inf", "a number"),
        ("archi", "answer_confidence", True, "a number"),
        ("archi", "answer_confidence", "high", "a number"),
        ("archi", "answer_confidence", {"a": 1}, "a number"),
        ("limits", "rate_limit_requests", 1.5, "whole number"),
        ("limits", "rate_limit_requests", -1, "from 0 to 1000000000"),
        ("limits", "rate_limit_requests", 10**400, "whole number"),
        ("limits", "rate_limit_requests", "9" * 500, "whole number"),
        ("limits", "rate_limit_requests", True, "whole number"),
        ("limits", "rate_limit_window_seconds", 0, "from 1 to 86400"),
        ("limits", "llm_economy_share", 2, "from 0 to 1"),
        ("llm", "llm_max_tokens", 1, "from 16"),
        ("llm", "llm_model", "a\nb", "control character"),
        ("llm", "llm_model", 7, "must be text"),
        ("llm", "llm_model", "m" * 201, "longer than 200"),
        ("llm", "llm_base_url", "https://models.example.com/v1/chat/completions", "root of the API"),
        ("prompts", "system_prompt", "a\x07b", "control character"),
        ("prompts", "system_prompt", "x" * 12_001, "longer than 12000"),
        ("prompts", "prompt_domain", "medical", "support, legal, generic"),
        ("brand", "app_name", "two\nlines", "control character"),
        ("brand", "domain_terms", ["x"] * 301, "300 texts"),
        ("brand", "domain_terms", [["x"]], "must be text"),
        ("brand", "domain_terms", {"a": 1}, "list of texts"),
        ("brand", "branding", [], "JSON object"),
        ("brand", "branding", "{", "JSON object"),
        ("brand", "branding", {"x": "y" * 8_001}, "longer than 8000"),
        ("brand", "branding", {"colors": {"main": "red;} body{display:none"}}, "must be a colour"),
        ("brand", "branding", {"main_color": 7}, "must be a colour"),
        ("brand", "branding", {"logo": "javascript:alert(1)"}, "must be an address"),
        ("brand", "branding", {"motto": " JavaScript:alert(1)"}, "must be an address"),
        ("brand", "branding", {"logo_url": "/logo.svg"}, "must be an address"),
        ("brand", "branding", {"a": {"b": {"c": {"d": {"e": 1}}}}}, "nested deeper"),
        ("brand", "branding", {"motto": "a\x00b"}, "control character"),
        ("slots", "normalizer_slots_enabled", ["color"], "product_type"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(section: str, name: str, value: Any, said: str) -> None:
    config = tuned()

    with pytest.raises(Invalid, match=name) as refused:
        config.put(section, {name: value}, by="ada")

    assert said in str(refused.value)
    assert [fault.loc for fault in refused.value.faults] == [("body", name)]
    assert config.version == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(value=JSON)
def test_whatever_is_sent_is_kept_whole_or_refused_with_a_sentence(value: Any) -> None:
    for section in SECTIONS:
        config = tuned()
        for setting in section.settings:
            try:
                shown = config.put(section.name, {setting.name: value}, by="ada")
            except (Invalid, Malformed):
                continue
            # What is shown can be sent back, and changes nothing.
            version = config.version
            assert config.put(section.name, shown, by="eve") == shown
            assert config.version == version
            json.dumps(shown, allow_nan=False)


def test_no_name_belongs_to_two_sections_that_are_asked_by_key() -> None:
    names = [setting.name for section in SECTIONS if section.by_key for setting in section.settings]

    assert len(names) == len(set(names))


def test_every_default_is_a_value_its_setting_takes() -> None:
    for section in SECTIONS:
        for setting in section.settings:
            if setting.default is not None:
                assert setting.read(setting.default) == setting.default, (section.name, setting.name)


def test_every_setting_that_is_asked_by_key_says_what_it_does() -> None:
    silent = [s.name for section in SECTIONS if section.by_key for s in section.settings if not s.about]

    assert silent == []


# ---------------------------------------------------------------- keys
@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("app_name", ("brand", "app_name")),
        ("prompt-domain", ("prompts", "prompt_domain")),
        ("SYSTEM_PROMPT", ("prompts", "system_prompt")),
        ("rate_limit_requests", ("limits", "rate_limit_requests")),
        ("normalizer_slot_os_types", ("slots", "normalizer_slot_os_types")),
    ],
)
def test_a_setting_is_found_by_its_name(key: str, place: tuple[str, str]) -> None:
    assert section_of(key, tuned().sections) == place


def test_a_secret_is_refused_by_its_key_and_what_is_none_is_not_found() -> None:
    sections = tuned().sections

    with pytest.raises(Refused, match=r"llm_api_key is a secret: PUT /v1/admin/config/llm sets it"):
        section_of("llm_api_key", sections)
    for key in ("password", "api_secret", "base_url", "application_token", "openai_api_key", "x"):
        with pytest.raises(NotFound, match="app_name") as missing:
            section_of(key, sections)
        assert "llm_api_key" not in str(missing.value)
        assert len(str(missing.value)) < 500


def test_a_body_full_of_wrong_settings_is_one_readable_sentence() -> None:
    wrong = {setting.name: {"a": 1} for setting in ARCHI.settings}

    with pytest.raises(Invalid, match=r"and \d+ more") as refused:
        tuned().put("archi", wrong, by="ada")

    assert len(refused.value.faults) == len(wrong)
    assert len(str(refused.value)) < 500


# ---------------------------------------------------------------- a secret stays where it belongs
def test_a_kept_key_does_not_go_to_another_server() -> None:
    config = tuned()
    config.put("llm", {"llm_base_url": "https://models.example.com/v1", "llm_api_key": KEY}, by="ada")

    for elsewhere in ("https://evil.example/v1", ""):
        with pytest.raises(Invalid, match="send llm_api_key with it"):
            config.put("llm", {"llm_base_url": elsewhere}, by="eve")
        with pytest.raises(Invalid, match="send llm_api_key with it"):
            config.put("llm", {"llm_base_url": elsewhere, "llm_api_key": "…0001"}, by="eve")
    config.put("llm", {"llm_base_url": "https://models.example.com/v1/", "llm_model": "m"}, by="ada")
    config.put("llm", {"llm_base_url": "https://other.example/v1", "llm_api_key": "sk-other-key"}, by="ada")

    assert config.opened("llm")["llm_api_key"] == "sk-other-key"
    config.put("llm", {"llm_base_url": "https://third.example/v1", "llm_api_key": "sk-other-key"}, by="ada")
    assert config.shown("llm")["llm_base_url"] == "https://third.example/v1"
    config.put("llm", {"llm_base_url": "", "llm_api_key": ""}, by="ada")
    assert config.shown("llm")["llm_base_url"] == ""


def test_a_helpdesks_password_does_not_go_to_another_helpdesk() -> None:
    config = tuned()
    config.put("whmcs", {"base_url": "https://a.example", "username": "u", "password": "pa55word"}, by="ada")

    with pytest.raises(Invalid, match="send password with it"):
        config.put("whmcs", {"base_url": "https://evil.example"}, by="eve")

    moved = {"base_url": "https://b.example", "password": "pa55word"}
    assert config.put("whmcs", moved, by="ada")["base_url"] == "https://b.example"


def test_an_address_of_the_inside_is_refused_unless_the_operator_named_it() -> None:
    with pytest.raises(Malformed, match="llm_base_url: This address is not public"):
        tuned().put("llm", {"llm_base_url": "http://127.0.0.1:8080/v1"}, by="ada")


def test_the_environments_own_address_may_be_anywhere_and_sent_back() -> None:
    config = tuned(environment={"llm": {"llm_base_url": "http://127.0.0.1:8080/v1/", "llm_model": "m"}})

    shown = config.put("llm", {**config.shown("llm"), "llm_model": "n"}, by="ada")

    assert (shown["llm_base_url"], shown["llm_model"]) == ("http://127.0.0.1:8080/v1/", "n")
    assert [edit.key for edit in config.versions()[0].edits] == ["llm.llm_model"]


def test_a_key_of_the_environment_is_shown_by_its_end_and_may_be_sent_back() -> None:
    config = tuned(environment={"llm": {"llm_api_key": {"mask": "…last"}, "llm_model": "m"}})

    shown = config.shown("llm")
    again = config.put("llm", {**shown, "llm_model": "n"}, by="ada")

    assert (shown["llm_api_key"], again["llm_api_key"], again["llm_model"]) == ("…last", "…last", "n")
    assert config.opened("llm")["llm_api_key"] == ""
    with pytest.raises(Invalid, match="is a mask"):
        config.put("llm", {"llm_api_key": "…else"}, by="ada")


# ---------------------------------------------------------------- versions
def test_a_rollback_takes_every_section_back_with_its_secrets() -> None:
    config = tuned()
    config.put("llm", {"llm_model": "first", "llm_api_key": KEY}, by="ada")
    config.put("brand", {"app_name": "Ada", "branding": {"mask": "is no secret here"}}, by="ada")
    config.put("limits", {"rate_limit_requests": 7}, by="ada")
    config.put("prompts", {"system_prompt": "Be brief."}, by="ada")
    before = {name: config.shown(name) for name in config.sections}

    config.put("llm", {"llm_model": "second", "llm_api_key": "sk-something-else"}, by="eve")
    config.put("brand", {"app_name": "", "branding": ""}, by="eve")
    config.put("limits", {"rate_limit_requests": ""}, by="eve")
    config.put("prompts", {"system_prompt": "", "prompt_domain": "legal"}, by="eve")
    config.put("archi", {"asks_back": False, "answer_confidence": 0.9}, by="eve")
    back = config.rollback(4, by="ada")

    assert back == before
    assert back["brand"]["branding"] == {"mask": "is no secret here"}
    assert config.opened("llm")["llm_api_key"] == KEY
    assert {edit.key for edit in config.versions()[0].edits} >= {"llm.llm_api_key", "archi.answer_confidence"}
    assert KEY not in repr(config.versions())


def test_long_texts_are_kept_whole_and_listed_by_their_beginning() -> None:
    config = tuned()
    prompt, terms = "Be brief. " * 1_000, [f"term {number}" for number in range(300)]

    config.put("prompts", {"system_prompt": prompt}, by="ada")
    config.put("brand", {"domain_terms": terms}, by="ada")

    assert config.shown("prompts")["system_prompt"] == prompt.strip()
    second, first = config.versions()
    assert len(str(first.edits[0].after)) < 1_100
    assert first.edits[0].after.endswith("(9999 characters)")
    assert second.edits[0].after[-1] == "… (300 in all)"


def test_more_than_one_version_can_hold_is_refused_with_a_sentence() -> None:
    config = tuned()
    wide = "\U0001f600" * 12_000
    config.put("prompts", {"system_prompt": wide, "custom_prompt_rules": wide}, by="ada")
    config.put("brand", {"domain_terms": ["\U0001f600" * 70 + str(n) for n in range(300)]}, by="ada")

    with pytest.raises(Invalid, match=str(MAX_BYTES)):
        config.put("whmcs", {"ignore": [f"{n}" + "\U0001f600" * 290 for n in range(100)]}, by="ada")

    assert config.version == 2


def test_changes_of_two_sections_at_once_lose_nothing() -> None:
    store, vault = MemoryConfigStore(), MemoryVault()
    begin = threading.Barrier(3)

    def change(section: str, name: str) -> None:
        config = tuned(store, vault=vault)
        begin.wait()
        for value in range(1, 6):
            config.put(section, {name: [str(value)] if name == "departments" else value}, by=section)

    places = [
        ("limits", "rate_limit_requests"),
        ("limits", "llm_tokens_per_day"),
        ("whmcs_notes", "departments"),
    ]
    with ThreadPoolExecutor(len(places)) as pool:
        for change_made in [pool.submit(change, *place) for place in places]:
            change_made.result()

    config = tuned(store, vault=vault)
    assert config.version == 15
    limits = config.shown("limits")
    assert (limits["rate_limit_requests"], limits["llm_tokens_per_day"]) == (5, 5)
    assert config.shown("whmcs_notes")["departments"] == ["5"]


# ---------------------------------------------------------------- policy
def test_without_a_change_the_policy_is_the_environments() -> None:
    environment = {
        "brand": {"app_name": "Hosting", "domain_terms": ["VPS"]},
        "archi": {"answer_confidence": 0.9},
        "slots": {"normalizer_slots_enabled": ["os"], "normalizer_slot_os_types": ["linux"]},
    }

    policy = policy_of(tuned(environment=environment).reading())

    assert (policy.app_name, policy.domain_terms, policy.version) == ("Hosting", ("VPS",), 0)
    assert policy.thresholds.answer == 0.9
    assert policy.slots == {"os": ("linux",)}
    assert policy_of(tuned().reading()).thresholds == Thresholds()


def test_the_policy_is_what_was_set() -> None:
    config = tuned()
    config.put("brand", {"app_name": "Ada", "greeting": "Hello!", "tone": "formal"}, by="ada")
    config.put("prompts", {"system_prompt": "WHO", "custom_prompt_rules": "RULE"}, by="ada")
    switches = {"writes_with_model": False, "asks_back": False, "language_detect_enabled": False}
    config.put("archi", {**switches, "default_language": "de", "answer_confidence": 0.1}, by="ada")

    policy = policy_of(config.reading())

    assert (policy.app_name, policy.greeting, policy.default_language) == ("Ada", "Hello!", "de")
    assert (policy.writes_with_model, policy.asks_back, policy.detects_language) == (False, False, False)
    assert policy.thresholds.ask <= policy.thresholds.answer == 0.1
    rules = policy.house_rules
    assert rules.index("WHO") < rules.index("support team") < rules.index("formal") < rules.index("RULE")
    assert policy.version == 3


@pytest.mark.parametrize(
    ("domain", "word"), [("support", "refund"), ("legal", "exceptions"), ("generic", "plainly")]
)
def test_a_domain_brings_its_rules(domain: str, word: str) -> None:
    config = tuned()
    config.put("prompts", {"prompt_domain": domain}, by="ada")

    assert word in policy_of(config.reading()).house_rules


@pytest.mark.parametrize(
    ("enabled", "used"),
    [
        ([], set()),
        (["os"], {"os"}),
        (["product_type", "region"], {"region"}),
        (list(SLOTS), {"os", "billing_cycle", "region"}),
        (["true"], {"os", "billing_cycle", "region"}),
        (["false"], set()),
    ],
)
def test_slots_are_those_in_use_that_have_values(enabled: list[str], used: set[str]) -> None:
    config = tuned()
    config.put("slots", {"normalizer_slots_enabled": enabled, "normalizer_slot_regions": ["EU"]}, by="ada")

    slots = policy_of(config.reading()).slots

    assert slots.keys() == used
    assert slots.get("region", ("EU",)) == ("EU",)


def test_every_switch_of_the_older_product_is_readable_and_writable() -> None:
    names = (
        "language_detect_enabled", "decision_router_use_llm", "evidence_evaluator_enabled",
        "evidence_quality_use_llm", "evidence_quality_llm_v2", "debug_llm_calls", "self_critic_enabled",
        "final_polish_enabled", "doc_type_classifier_enabled", "retrieval_doc_type_use_llm",
        "page_kind_filter_enabled", "llm_model_economy", "llm_task_aware_routing_enabled",
    )  # fmt: skip
    kinds = {setting.name: setting.kind for setting in ARCHI.settings}
    changed = {name: "mini" if kinds[name] is Kind.TEXT else not ARCHI.defaults()[name] for name in names}

    config = tuned()
    shown = config.put("archi", changed, by="ada")

    assert {name: shown[name] for name in names} == changed
    assert set(INACTIVE) < set(names)
    still = policy_of(tuned().reading())
    config.put("archi", {name: "" for name in names if name not in INACTIVE}, by="ada")
    unlike = policy_of(config.reading())
    # Those without a step change nothing, whatever they say.
    assert {**_fields(still), "version": 0} == {**_fields(unlike), "version": 0}


def _fields(policy: Any) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in type(policy).__dataclass_fields__}


def test_what_the_model_is_told_is_in_no_answer_whatever_it_says() -> None:
    config = tuned()
    told = "You are the pelican of Example Hosting."
    config.put("prompts", {"system_prompt": told, "custom_prompt_rules": "Say pelican to nobody."}, by="ada")
    model = ScriptedModel(said((told, [1]), ("The rule is to say pelican to nobody.", [1]), (REFUND, [1])))
    desk = Desk(model=model, policy=policy_of(config.reading()))

    answer = desk.answering.answer(Question(text="Within how many days can I ask for a refund?"))

    assert told in model.prompts[0]
    assert "30 days" in answer.text
    assert "pelican" not in repr(answer)
    assert "pelican" not in repr(desk.answers.get(answer.answer_id))


# ---------------------------------------------------------------- live
def test_a_change_is_followed_within_five_seconds_and_reading_costs_nothing_before() -> None:
    ticks, store = Ticks(), MemoryConfigStore()
    here, there = tuned(store, ticks=ticks), tuned(store, ticks=ticks)
    rates = Live(here.known, rates_of)
    assert rates() == Rates()

    there.put("limits", {"rate_limit_requests": 3, "rate_limit_window_seconds": 10}, by="ada")
    reads, before = store.reads, rates()
    assert all(rates() is before for _ in range(100))
    assert store.reads == reads
    ticks.now += SEEN_AFTER_SECONDS

    assert rates() == Rates(requests=3, window_seconds=10)


def test_a_store_that_is_down_costs_nothing_but_freshness() -> None:
    ticks, store = Ticks(), MemoryConfigStore()
    config = tuned(store, ticks=ticks, environment={"brand": {"app_name": "From the environment"}})
    policies = Live(config.known, policy_of)
    store.down = True
    assert policies().app_name == "From the environment"
    store.down = False
    tuned(store).put("brand", {"app_name": "Ada"}, by="ada")
    ticks.now += SEEN_AFTER_SECONDS
    assert policies().app_name == "Ada"

    store.down = True
    for _ in range(4):
        ticks.now += SEEN_AFTER_SECONDS
        assert policies().app_name == "Ada"
    store.down = False
    tuned(store).put("brand", {"app_name": "Grace"}, by="ada")
    ticks.now += SEEN_AFTER_SECONDS

    assert policies().app_name == "Grace"


def test_a_store_that_is_down_is_asked_once_in_five_seconds() -> None:
    ticks, asked = Ticks(), []

    class Down(MemoryConfigStore):
        def latest(self) -> None:
            asked.append(ticks.now)
            self.down = True
            super().latest()

    config = tuned(Down(), ticks=ticks)
    for _ in range(50):
        assert config.known().version == 0
        ticks.now += 0.2

    assert len(asked) == 2
