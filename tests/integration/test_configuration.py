"""The runtime configuration and the alerts: one contract, over every store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from candor.adapters.dynamodb_config import DynamoAlerts, DynamoConfigStore
from candor.adapters.memory_config import MemoryAlerts, MemoryConfigStore
from candor.adapters.memory_vault import MemoryVault
from candor.alerts import Alerts
from candor.config.sections import Kind, Section, Setting
from candor.config.service import SEEN_AFTER_SECONDS, Configuration
from candor.config.store import ConfigStore, Version
from candor.config.whmcs import WHMCS
from candor.errors import Conflict, Invalid, Malformed, NotFound, Unavailable
from tests.doubles.clock import NOON, Clock, Ticks
from tests.doubles.tables import create_table

PASSWORD = "correct horse battery"
STYLE = Section(
    name="style",
    settings=(Setting(name="tone", default="plain"), Setting(name="loud", kind=Kind.FLAG, default=False)),
)


def door(url: str) -> str:
    if "internal" in url:
        raise Malformed("This address is not public.")
    return url.rstrip("/")


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ConfigStore:
    if request.param == "memory":
        return MemoryConfigStore()
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    return DynamoConfigStore(create_table("ConfigTable"))


VAULT = MemoryVault()


def configuration(store: ConfigStore, **more: Any) -> Configuration:
    return Configuration(
        store=store,
        vault=VAULT,
        sections=[WHMCS, STYLE],
        check_address=door,
        **{"clock": lambda: NOON, **more},
    )


def given(**values: str) -> Callable[[str], dict[str, str]]:
    """What an environment says of the helpdesk, and of nothing else."""
    return lambda section: values if section == "whmcs" else {}


def test_before_the_first_change_everything_is_as_the_environment_and_the_defaults_say(
    store: ConfigStore,
) -> None:
    config = configuration(store, environment=given(base_url="https://a.example", list_path=""))

    shown = config.shown("whmcs")

    assert shown["base_url"] == "https://a.example"
    assert shown["area"] == shown["admin_dir"] == "admin"
    assert shown["departments"] == []
    assert shown["password"] == ""
    assert config.version == 0
    assert config.versions() == []


def test_a_change_keeps_what_it_leaves_out(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("whmcs", {"base_url": "https://a.example/", "username": "ann"}, by="ada")

    shown = config.put(
        "whmcs", {"username": " bob ", "area": None, "departments": "Sales, Support,"}, by="ada"
    )

    assert shown == config.shown("whmcs") == configuration(store).shown("whmcs")
    assert shown["base_url"] == "https://a.example"
    assert shown["username"] == "bob"
    assert shown["departments"] == ["Sales", "Support"]


def test_a_blank_text_takes_a_setting_back_to_where_it_was(store: ConfigStore) -> None:
    config = configuration(store, environment=given(base_url="https://env.example"))
    config.put("whmcs", {"base_url": "https://a.example", "area": "client", "password": PASSWORD}, by="ada")

    shown = config.put("whmcs", {"base_url": "", "area": "", "password": ""}, by="ada")

    assert (shown["base_url"], shown["area"], shown["password"]) == ("https://env.example", "admin", "")
    assert config.opened("whmcs")["password"] == ""


def test_a_secret_is_shown_by_its_end_alone_and_opens_for_who_needs_it(store: ConfigStore) -> None:
    config = configuration(store)

    shown = config.put("whmcs", {"password": PASSWORD, "api_secret": "short"}, by="ada")

    assert (shown["password"], shown["api_secret"]) == ("…tery", "…")
    assert config.opened("whmcs")["password"] == PASSWORD
    assert configuration(store).opened("whmcs")["api_secret"] == "short"


def test_no_version_holds_a_secret(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("whmcs", {"password": PASSWORD}, by="ada")
    config.put("whmcs", {"password": "another secret"}, by="ada")

    assert PASSWORD not in repr([store.latest(), store.version(1), config.versions()])
    assert "horse" not in str([store.version(1).values, store.version(2).values])


def test_a_secret_sent_back_as_it_was_shown_stays_what_it_is(store: ConfigStore) -> None:
    config = configuration(store)
    shown = config.put("whmcs", {"password": PASSWORD, "username": "ann"}, by="ada")

    config.put("whmcs", {**shown, "username": "bob"}, by="ada")

    assert config.opened("whmcs")["password"] == PASSWORD
    assert [edit.key for edit in config.versions()[0].edits] == ["whmcs.username"]


def test_a_mask_of_something_else_is_no_secret(store: ConfigStore) -> None:
    with pytest.raises(Invalid, match="password is a mask"):
        configuration(store).put("whmcs", {"password": "…xxxx"}, by="ada")


def test_what_changes_nothing_makes_no_version(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("whmcs", {"password": PASSWORD, "username": "ann"}, by="ada")

    config.put("whmcs", {"password": PASSWORD, "username": "ann", "totp_secret": ""}, by="eve")

    assert [version.version for version in config.versions()] == [1]


def test_every_change_says_what_was_changed_by_whom_and_when(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("whmcs", {"username": "ann", "password": PASSWORD}, by="ada")
    config.put("style", {"tone": "warm", "loud": True}, by="eve")

    second, first = config.versions()

    assert (first.version, first.by, first.at) == (1, "ada", NOON)
    assert {(e.key, e.before, e.after) for e in first.edits} == {
        ("whmcs.username", "", "ann"),
        ("whmcs.password", "", "…tery"),
    }
    assert (second.version, second.by) == (2, "eve")
    assert {(e.key, e.before, e.after) for e in second.edits} == {
        ("style.tone", "plain", "warm"),
        ("style.loud", False, True),
    }


def test_versions_are_listed_in_pages_from_the_newest(store: ConfigStore) -> None:
    config = configuration(store)
    for number in range(5):
        config.put("style", {"tone": f"tone {number}"}, by="ada")

    assert [v.version for v in config.versions(limit=2)] == [5, 4]
    assert [v.version for v in config.versions(limit=2, before=4)] == [3, 2]
    assert config.versions(limit=2, before=1) == []


def test_a_rollback_takes_everything_back_secrets_too_and_is_a_version_itself(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("whmcs", {"password": PASSWORD, "username": "ann"}, by="ada")
    config.put("whmcs", {"password": "something else", "username": ""}, by="eve")
    config.put("style", {"tone": "warm"}, by="eve")

    shown = config.rollback(1, by="ada")

    assert shown["whmcs"]["username"] == "ann"
    assert shown["style"]["tone"] == "plain"
    assert config.opened("whmcs")["password"] == PASSWORD
    newest = config.versions()[0]
    assert (newest.version, newest.by) == (4, "ada")
    assert {edit.key for edit in newest.edits} == {"whmcs.username", "whmcs.password", "style.tone"}
    assert config.rollback(0, by="ada")["whmcs"]["username"] == ""


def test_a_rollback_to_what_is_in_force_changes_nothing(store: ConfigStore) -> None:
    config = configuration(store)
    config.put("style", {"tone": "warm"}, by="ada")

    assert config.rollback(1, by="ada")["style"]["tone"] == "warm"
    assert config.version == 1


def test_there_is_no_rollback_to_what_never_was(store: ConfigStore) -> None:
    with pytest.raises(Invalid, match="no version 7"):
        configuration(store).rollback(7, by="ada")
    with pytest.raises(NotFound):
        store.version(7)


def test_of_two_who_write_one_version_one_does(store: ConfigStore) -> None:
    version = Version(version=1, at=NOON, by="ada", edits=(), values={"style": {"tone": "warm"}})
    store.add(version)

    with pytest.raises(Conflict):
        store.add(version)

    assert store.latest() == version


def test_of_many_changes_at_once_none_is_lost(store: ConfigStore) -> None:
    names = ["username", "api_identifier", "list_path", "login_path"]

    def change(name: str) -> None:
        configuration(store).put("whmcs", {name: f"{name}.x"}, by=name)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(change, names))

    config = configuration(store)
    assert {name: config.shown("whmcs")[name] for name in names} == {name: f"{name}.x" for name in names}
    assert config.version == len(names)


def test_a_change_made_elsewhere_is_seen_within_five_seconds_and_not_asked_for_each_time() -> None:
    ticks, store = Ticks(), MemoryConfigStore()
    here, there = configuration(store, ticks=ticks), configuration(store, ticks=ticks)
    assert here.shown("style")["tone"] == "plain"

    there.put("style", {"tone": "warm"}, by="ada")
    reads = store.reads
    for _ in range(10):
        here.shown("style")
    assert store.reads == reads
    ticks.now += SEEN_AFTER_SECONDS

    assert here.shown("style")["tone"] == "warm"
    assert SEEN_AFTER_SECONDS <= 5


def test_ones_own_change_is_seen_at_once() -> None:
    config = configuration(MemoryConfigStore())
    config.shown("style")

    config.put("style", {"tone": "warm"}, by="ada")

    assert config.shown("style")["tone"] == "warm"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("area", "root"),
        ("base_url", "https://a.example/billing/admin/login.php"),
        ("base_url", "https://a.example/?m=1"),
        ("admin_dir", "../secret"),
        ("admin_dir", "a b"),
        ("list_path", "https://elsewhere.example/x"),
        ("list_path", "//elsewhere.example"),
        ("list_path", "../../etc"),
        ("login_path", "a\\b"),
        ("totp_secret", "not base 32!"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("username", "a\nb"),
        ("username", "x" * 201),
        ("departments", ["x"] * 101),
        ("departments", 7),
        ("password", 7),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(name: str, value: object) -> None:
    config = configuration(MemoryConfigStore())

    with pytest.raises(Invalid, match=name) as refused:
        config.put("whmcs", {name: value}, by="ada")

    assert refused.value.faults[0].loc == ("body", name)
    assert config.version == 0


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("admin_dir", "/staff/desk/", "staff/desk"),
        ("totp_secret", "JBSW Y3DP EHPK 3PXP", "…3PXP"),
        ("time_zone", "Europe/Riga", "Europe/Riga"),
        ("list_path", "supporttickets.php?view=any", "supporttickets.php?view=any"),
    ],
)
def test_what_people_write_is_taken(name: str, value: str, kept: str) -> None:
    assert configuration(MemoryConfigStore()).put("whmcs", {name: value}, by="ada")[name] == kept


def test_an_address_nobody_may_fetch_is_never_kept() -> None:
    config = configuration(MemoryConfigStore())

    with pytest.raises(Malformed, match="base_url: This address is not public"):
        config.put("whmcs", {"base_url": "http://metadata.internal/"}, by="ada")

    assert config.version == 0


def test_a_secret_that_opens_no_more_can_be_replaced() -> None:
    store = MemoryConfigStore()
    configuration(store).put("whmcs", {"password": PASSWORD}, by="ada")
    elsewhere = Configuration(
        store=store, vault=MemoryVault(), sections=[WHMCS], check_address=door, clock=lambda: NOON
    )
    with pytest.raises(Malformed):
        elsewhere.opened("whmcs")

    elsewhere.put("whmcs", {"password": PASSWORD}, by="ada")

    assert elsewhere.opened("whmcs")["password"] == PASSWORD


def test_a_store_that_is_down_is_unavailable() -> None:
    store = MemoryConfigStore()
    store.down = True

    with pytest.raises(Unavailable):
        configuration(store).shown("whmcs")


@pytest.fixture(params=["memory", "ministack", "dynamodb_local"])
def alerts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Alerts:
    if request.param == "memory":
        return MemoryAlerts(clock)
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue(request.param))
    return DynamoAlerts(create_table("ConfigTable"), clock=clock)


def test_an_alert_is_there_once_however_often_it_is_raised(alerts: Alerts, clock: Clock) -> None:
    assert list(alerts.list()) == []
    alerts.raise_("whmcs-login", "Wrong password.")
    clock.now += timedelta(hours=1)

    raised = alerts.raise_("whmcs-login", "The session has expired.")

    assert list(alerts.list()) == [raised]
    assert raised.message == "The session has expired."
    assert (raised.first_at, raised.last_at, raised.times) == (NOON, NOON + timedelta(hours=1), 2)


def test_the_latest_alert_is_shown_first(alerts: Alerts, clock: Clock) -> None:
    for name in ("b", "c", "a"):
        alerts.raise_(name, "It is wrong.")
        clock.now += timedelta(seconds=1)
    alerts.raise_("b", "Still.")

    assert [alert.alert_id for alert in alerts.list()] == ["b", "a", "c"]


def test_a_cleared_alert_is_gone_and_begins_anew(alerts: Alerts, clock: Clock) -> None:
    alerts.raise_("whmcs-login", "Wrong password.")
    alerts.raise_("other", "Something else.")

    assert alerts.clear("whmcs-login")
    assert not alerts.clear("whmcs-login")

    assert [alert.alert_id for alert in alerts.list()] == ["other"]
    clock.now += timedelta(hours=1)
    assert alerts.raise_("whmcs-login", "Again.").times == 1
