"""The template and the code say the same thing, and the template keeps its promises."""

import importlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from candor.edge.queue import TRIES
from candor.edge.routes import ROUTES


class _Template(yaml.SafeLoader):
    """YAML with CloudFormation's short tags read as one-key mappings, as their long form is."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    construct = {
        "scalar": loader.construct_scalar,
        "sequence": loader.construct_sequence,
        "mapping": loader.construct_mapping,
    }
    return {suffix: construct[node.id](node, **({} if node.id == "scalar" else {"deep": True}))}  # type: ignore[operator]


_Template.add_multi_constructor("!", _long_form)
TEMPLATE = yaml.load(Path("template.yaml").read_text(), _Template)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def _folder(function: dict[str, Any]) -> str:
    """Of its code; a container image is told by the command it is started with."""
    if function.get("PackageType") == "Image":
        return str(function["ImageConfig"]["Command"][0].split(".")[1])
    return Path(function["CodeUri"]).name


FUNCTIONS = {
    _folder(resource["Properties"]): resource["Properties"]
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::Serverless::Function"
}

PARAMETERS = {
    variable: str(TEMPLATE["Parameters"][value["Ref"]]["Default"])
    for variable, value in TEMPLATE["Globals"]["Function"]["Environment"]["Variables"].items()
    if isinstance(value, dict) and value.get("Ref") in TEMPLATE["Parameters"]
}


def of_type(kind: str) -> dict[str, Any]:
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


def events(name: str, kind: str) -> list[dict[str, Any]]:
    return [
        event["Properties"] for event in FUNCTIONS[name].get("Events", {}).values() if event["Type"] == kind
    ]


def exposed(name: str) -> set[tuple[str, str]]:
    return {(event["Method"].upper(), event["Path"]) for event in events(name, "Api")}


def test_every_function_folder_is_deployed() -> None:
    assert FUNCTIONS.keys() == {path.parent.name for path in Path("functions").glob("*/app.py")}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_template_exposes_exactly_the_routes_of_the_table(name: str) -> None:
    declared = {(route.method, route.path) for route in ROUTES if route.function == name}

    preflights = {("OPTIONS", path) for _, path in declared}
    assert exposed(name) == declared | preflights


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_route_of_the_table_has_a_view(name: str) -> None:
    api = getattr(importlib.import_module(f"functions.{name}.app"), "api", None)

    routed = {(method, path) for path, methods in api.routes.items() for method in methods} if api else set()
    assert routed == exposed(name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_can_be_built_from_the_environment_it_is_given(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = FUNCTIONS[name].get("Environment", {}).get("Variables", {})
    for variable in (*TEMPLATE["Globals"]["Function"]["Environment"]["Variables"], *own):
        monkeypatch.setenv(variable, PARAMETERS.get(variable, ""))
    for variable in own:
        monkeypatch.setenv(variable, f"http://127.0.0.1/{variable.lower()}")
    for variable in ("API_KEY", "ADMIN_API_KEY", "JWT_SECRET"):
        monkeypatch.setenv(variable, "k" * 32)

    app = importlib.import_module(f"functions.{name}.app")
    app.service.cache_clear()

    assert app.service()
    app.service.cache_clear()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_trigger_has_a_wire_event_to_try_it_with(name: str) -> None:
    cases = [json.loads(path.read_text()) for path in Path("events", name).glob("*.json")]

    tried = {(case["httpMethod"], case["resource"]) for case in cases if "httpMethod" in case}
    assert cases
    assert {route for route in exposed(name) if route[0] != "OPTIONS"} <= tried


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_queue_reader_reports_partial_failures_and_has_a_ceiling(name: str) -> None:
    for event in events(name, "SQS"):
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert event["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_queue_hides_a_message_six_times_as_long_as_its_reader_may_work(name: str) -> None:
    timeout = FUNCTIONS[name].get("Timeout", TEMPLATE["Globals"]["Function"]["Timeout"])

    for event in events(name, "SQS"):
        queue = RESOURCES[event["Queue"]["GetAtt"].split(".")[0]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * timeout


def test_every_queue_ends_in_a_dead_letter_queue_that_is_watched() -> None:
    watched = {
        alarm["Properties"]["Dimensions"][0]["Value"]["GetAtt"].split(".")[0]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("Namespace") == "AWS/SQS"
    }

    for name, queue in of_type("AWS::SQS::Queue").items():
        dead_letters = queue["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn")
        assert name in watched if dead_letters is None else dead_letters["GetAtt"].split(".")[0] in watched


def test_every_queue_allows_as_many_tries_as_its_worker_counts() -> None:
    allowed = {
        name: queue["Properties"]["RedrivePolicy"]["maxReceiveCount"]
        for name, queue in of_type("AWS::SQS::Queue").items()
        if "RedrivePolicy" in queue["Properties"]
    }

    # With fewer the queue would move a message before its worker could say why.
    assert allowed == dict.fromkeys(allowed, TRIES)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if events(name, "SQS")])
def test_every_queue_reader_may_say_when_its_messages_are_to_come_back(name: str) -> None:
    for event in events(name, "SQS"):
        statements = [
            statement
            for policy in FUNCTIONS[name]["Policies"]
            for statement in policy.get("Statement", ())
            if "sqs:ChangeMessageVisibility*" in statement["Action"]
        ]
        assert event["Queue"] in [statement["Resource"] for statement in statements]


@pytest.mark.parametrize("name", ["admin", "write_exports"])
def test_every_dead_letter_queue_can_be_looked_into_and_redriven(name: str) -> None:
    queues = of_type("AWS::SQS::Queue")
    dead = {name for name, queue in queues.items() if "RedrivePolicy" not in queue["Properties"]}
    environment = FUNCTIONS[name]["Environment"]["Variables"].values()
    [statement] = RESOURCES["DeadLetterAccess"]["Properties"]["PolicyDocument"]["Statement"]

    assert {resource["GetAtt"].removesuffix(".Arn") for resource in statement["Resource"]} == dead
    assert queues.keys() <= {value["Ref"] for value in environment if "Ref" in value}
    assert {"Ref": "DeadLetterAccess"} in FUNCTIONS[name]["Policies"]


def test_every_dead_letter_queue_has_its_name_in_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    from candor import wiring
    from candor.wiring.environment import stores

    for variable in FUNCTIONS["admin"]["Environment"]["Variables"]:
        monkeypatch.setenv(variable, f"http://127.0.0.1/{variable.lower()}")
    stores.cache_clear()
    wiring.dead_letters.cache_clear()

    named = wiring.dead_letters()._queues  # type: ignore[attr-defined]

    stores.cache_clear()
    wiring.dead_letters.cache_clear()
    dlqs = [name for name, queue in of_type("AWS::SQS::Queue").items() if name.endswith("Dlq")]
    assert sorted(named) == sorted(name.removesuffix("Dlq").lower() for name in dlqs)


@pytest.mark.parametrize("name", sorted({route.function for route in ROUTES}))
def test_every_function_of_the_api_sees_the_settings_in_force(name: str) -> None:
    assert "CONFIG_TABLE" in FUNCTIONS[name]["Environment"]["Variables"]
    [granted] = [policy for policy in FUNCTIONS[name]["Policies"] if "ConfigTable" in str(policy)]
    assert granted.keys() in ({"DynamoDBReadPolicy"}, {"DynamoDBCrudPolicy"})


def test_every_function_that_asks_a_model_may_open_its_key() -> None:
    asks = re.compile(r"wiring\.(answering|replying|models|health)\(")
    asking = [name for name in FUNCTIONS if asks.search(Path(f"functions/{name}/app.py").read_text())]

    assert {"replies", "chat", "operations", "settings"} <= set(asking)
    for name in asking:
        assert "CONFIG_KEY_ID" in FUNCTIONS[name]["Environment"]["Variables"], name
        statements = [each for policy in FUNCTIONS[name]["Policies"] for each in policy.get("Statement", ())]
        keys = [each["Resource"] for each in statements if "kms:Decrypt" in each["Action"]]
        assert keys == [{"GetAtt": "ConfigKey.Arn"}], name


def test_data_outlives_the_stack() -> None:
    kept = {
        **of_type("AWS::DynamoDB::Table"),
        **of_type("AWS::S3::Bucket"),
        **of_type("AWS::SecretsManager::Secret"),
    }

    lost = {name for name, resource in kept.items() if resource.get("DeletionPolicy") != "Retain"}
    assert lost == {"CountersTable"}, "only the rate limits' counters may go with the stack"


def test_no_policy_of_ours_grants_everything() -> None:
    def resources(node: Any) -> list[Any]:
        if isinstance(node, dict):
            own = [node["Resource"]] if "Effect" in node and "Resource" in node else []
            return own + [found for value in node.values() for found in resources(value)]
        return [found for value in node for found in resources(value)] if isinstance(node, list) else []

    granted = resources(RESOURCES)
    assert granted
    assert "*" not in granted
    assert not any("*" in resource for resource in granted if isinstance(resource, list))


def test_the_errors_alarms_count_every_function_and_no_more_than_an_alarm_may() -> None:
    counts = [
        [m["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"] for m in metrics if "MetricStat" in m]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if (metrics := alarm["Properties"].get("Metrics"))
    ]

    assert all(len(each) <= 10 for each in counts)
    counted = {function for each in counts for function in each}
    # One that is not always deployed has an alarm of its own.
    alone = {
        alarm["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"].get("Namespace") == "AWS/Lambda"
    }
    functions = of_type("AWS::Serverless::Function")
    assert counted | alone == functions.keys()
    assert alone == {name for name, function in functions.items() if "Condition" in function}


def test_the_room_rules_cover_every_domain_module() -> None:
    rules = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    covered = {name.removeprefix("candor.") for name in rules[0]["source_modules"]}

    rooms = {path.parent.name for path in Path("layers/core/candor").glob("*/__init__.py")}
    modules = {path.stem for path in Path("layers/core/candor").glob("*.py")} | rooms
    assert modules - {"__init__", "settings", "wiring", "adapters", "edge"} == covered
