"""
Localising: everything the embedded AWS (ministack 1.5.33) cannot do yet, worked round in one place.

template.yaml stays pure AWS. What is changed here is changed in a copy, on the way to the emulator:

* Dependency layers are left out: workers run on this interpreter, and layers built for arm64 fail there.
  An endpoint that is not ours may run functions in containers: it gets them, built for this interpreter.
* `Method: any` makes no route (403): it becomes one event per verb.
* `HttpApi` events make no routes at all: the start stops with a sentence.
* `ResponseTransferMode: RESPONSE_STREAM` answers 500: the function is bound to a runtime of ours instead.
* Container images need Docker: such a function is deployed from its folder like any other.
* `TimeToLiveSpecification` is dropped: `time_to_live` names the tables to set it on after the deploy.
* Alarms over several metrics cannot be made, and nothing here would evaluate them: they are left out.
* `AWS_ENDPOINT_URL` is left out: an emulator tells its functions itself where it answers them.
* Settings of this machine (keys, `.env`) become environment variables of every function. On AWS they are
  parameters and fields of the secret.

REST `Cors`, gateway responses and validators are dropped as well; `front` answers in their place.
"""

import copy
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.template import VERBS, folder_in_image

STREAM_PATH = "/_local/stream/"
"""Where the front takes the events of streaming functions; a secret and the function's logical id follow."""


def localise(
    raw: Mapping[str, Any],
    *,
    root: Path,
    variables: Mapping[str, str],
    stream_url: str,
    with_dependencies: bool = False,
) -> dict[str, Any]:
    """A copy of the template that the emulator can carry. Raises `ValueError` for what it cannot."""
    template: dict[str, Any] = copy.deepcopy(dict(raw))
    resources: dict[str, Any] = template["Resources"]
    if with_dependencies:
        _run_on_this_interpreter(template)
    else:
        _leave_out_dependency_layers(template, root)
    _leave_out_composed_alarms(resources)
    _leave_the_endpoint_to_the_emulator(template)
    _add_variables(template, variables)
    for name, properties in functions(template):
        if _from_folder(name, properties):
            resources[name].pop("IgnoreGlobals", None)
            properties["Layers"] = [{"Ref": layer} for layer in ("IngestLayer",) if layer in resources]
        if _expand_events(name, properties):
            proxied = {"MINISTACK_LAMBDA_PROXY_URL": f"{stream_url}{name}"}
            properties.setdefault("Environment", {}).setdefault("Variables", {}).update(proxied)
    return template


def functions(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource.get("Type") == "AWS::Serverless::Function":
            yield name, resource.setdefault("Properties", {})


def layers(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource.get("Type") == "AWS::Serverless::LayerVersion":
            yield name, resource["Properties"]


def time_to_live(template: Mapping[str, Any]) -> dict[str, Any]:
    """The specifications to set by API, by the table's logical id."""
    return {
        name: resource["Properties"]["TimeToLiveSpecification"]
        for name, resource in template["Resources"].items()
        if resource.get("Type") == "AWS::DynamoDB::Table"
        and "TimeToLiveSpecification" in resource["Properties"]
    }


def parameters(raw: Mapping[str, Any], *, state: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """What differs from the template's defaults on one machine; only names the template has."""
    here = {
        "Stage": "local",
        "AppEnv": "local",
        # With an engine named, everything lives there: a container would not see this folder.
        "EmbeddedStore": "" if variables.get("OPENSEARCH_HOST") else str(state / "store"),
        "OpenSearchService": variables.get("OPENSEARCH_SERVICE") or "basic",
        # A key for a model that writes does not change the embedder, and so the index, by itself.
        "EmbeddingModel": "",
        # No image is pulled: the function of it runs from its folder, with the browser of this machine.
        "BrowserImageUri": "local",
    }
    return {name: value for name, value in here.items() if name in (raw.get("Parameters") or {})}


def is_dependency_layer(folder: Path) -> bool:
    """A folder that holds a list of packages and no code of ours."""
    return not any(folder.glob("*/__init__.py")) and not (folder / "python").is_dir()


def _run_on_this_interpreter(template: dict[str, Any]) -> None:
    """The runtime and architecture that layers built here fit."""
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    architecture = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    shared = template.setdefault("Globals", {}).setdefault("Function", {})
    shared.update(Runtime=runtime, Architectures=[architecture])
    for _, properties in layers(template):
        properties.update(CompatibleRuntimes=[runtime], CompatibleArchitectures=[architecture])


def _leave_out_dependency_layers(template: dict[str, Any], root: Path) -> None:
    left_out = {
        name for name, properties in layers(template) if is_dependency_layer(root / properties["ContentUri"])
    }
    for name in left_out:
        del template["Resources"][name]
    shared = template.get("Globals", {}).get("Function", {})
    for holder in (shared, *(properties for _, properties in functions(template))):
        if "Layers" in holder:
            holder["Layers"] = [
                layer
                for layer in holder["Layers"]
                if not (isinstance(layer, dict) and layer.get("Ref") in left_out)
            ]


def _leave_out_composed_alarms(resources: dict[str, Any]) -> None:
    for name, resource in list(resources.items()):
        if resource.get("Type") == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            del resources[name]


def _leave_the_endpoint_to_the_emulator(template: dict[str, Any]) -> None:
    shared = template.get("Globals", {}).get("Function", {})
    shared.get("Environment", {}).get("Variables", {}).pop("AWS_ENDPOINT_URL", None)


def _add_variables(template: dict[str, Any], variables: Mapping[str, str]) -> None:
    shared = template.setdefault("Globals", {}).setdefault("Function", {})
    shared.setdefault("Environment", {}).setdefault("Variables", {}).update(variables)
    for _, properties in functions(template):
        # A function's own value would win over the shared one.
        own = (properties.get("Environment") or {}).get("Variables") or {}
        own.update({name: value for name, value in variables.items() if name in own})


def _from_folder(name: str, properties: dict[str, Any]) -> bool:
    """Make a function of a container image an ordinary one; whether it was one."""
    is_image: bool = properties.pop("PackageType", "Zip") == "Image"
    if is_image:
        folder = folder_in_image(properties)
        for field in ("ImageUri", "ImageConfig"):
            properties.pop(field, None)
        properties.update(CodeUri=folder, Runtime="python3.13", Handler="app.handler")
    return is_image


def _expand_events(name: str, properties: dict[str, Any]) -> bool:
    """Make the events ones the emulator routes; whether one of them streams its response."""
    streams = False
    events: dict[str, Any] = properties.get("Events") or {}
    for key, event in list(events.items()):
        if event.get("Type") == "HttpApi":
            raise ValueError(
                f"{name}.{key} is an HttpApi event: the embedded AWS routes none. Use Type: Api."
            )
        if event.get("Type") != "Api":
            continue
        if event["Properties"].pop("ResponseTransferMode", None) == "RESPONSE_STREAM":
            streams = True
        if str(event["Properties"]["Method"]).lower() == "any":
            del events[key]
            for verb in VERBS:
                own = {**event["Properties"], "Method": verb.lower()}
                events[f"{key}{verb.title()}"] = {"Type": "Api", "Properties": own}
    return streams
