"""Template: template.yaml read once, as plain values that the local cloud and the tests share."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"


class _CloudFormationLoader(yaml.SafeLoader):
    """
    SafeLoader that also knows `!Ref` and its sisters; a class of our own leaves the shared one as it is.
    """


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: str(text).split(".", 1) if tag == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_CloudFormationLoader.add_multi_constructor("!", _intrinsic)


def read(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template's own structure, intrinsics in their long form. Raises `ValueError` with a sentence."""
    try:
        parsed = yaml.load(path.read_text(encoding="utf-8"), Loader=_CloudFormationLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("Resources"), dict):
        raise ValueError(f"{path.name} has no Resources.")
    return parsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """
    One HTTP event: `path` is in API Gateway's spelling (`/v1/x/{id}`, `{proxy+}`), `method` in capitals.
    """

    method: str
    path: str
    function: str
    streams: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One Lambda: `name` is its folder's, `logical_id` the template's."""

    logical_id: str
    name: str
    code: str
    handler: str
    timeout: int
    memory: int
    layers: tuple[str, ...]
    environment: Mapping[str, Any]
    routes: tuple[Route, ...]
    reads_queues: tuple[str, ...]
    """Logical ids of the queues it consumes."""

    @property
    def searches(self) -> bool:
        """It carries the search engine's layer: its workers share two cores badly."""
        return any("search" in layer.lower() for layer in self.layers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    logical_id: str
    visibility_timeout: int
    dead_letters: str | None
    """Logical id of its dead-letter queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    functions: tuple[Function, ...]
    queues: tuple[Queue, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Defaults by name; a parameter without one is None."""
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(route for function in self.functions for route in function.routes)

    def deployed_as(self, resources: Container[str]) -> "Template":
        """Without the functions that a condition has kept out of a stack of these resources."""
        return replace(self, functions=tuple(one for one in self.functions if one.logical_id in resources))

    def function(self, name: str) -> Function:
        """By folder or by logical id; `KeyError` when there is none."""
        for function in self.functions:
            if name in (function.name, function.logical_id):
                return function
        raise KeyError(name)


def of(raw: Mapping[str, Any]) -> Template:
    """The values in a template that `read` returned."""
    resources: Mapping[str, Any] = raw["Resources"]
    shared = raw.get("Globals", {}).get("Function", {})
    return Template(
        functions=tuple(
            _function(name, properties, shared)
            for name, properties in _of_type(resources, "AWS::Serverless::Function")
        ),
        queues=tuple(_queue(name, properties) for name, properties in _of_type(resources, "AWS::SQS::Queue")),
        parameters={name: spec.get("Default") for name, spec in (raw.get("Parameters") or {}).items()},
        raw=raw,
    )


def load(path: Path = TEMPLATE) -> Template:
    """Read a template file and take it apart."""
    return of(read(path))


def _of_type(resources: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in resources.items():
        if resource.get("Type") == kind:
            yield name, resource.get("Properties") or {}


def _function(logical_id: str, properties: Mapping[str, Any], shared: Mapping[str, Any]) -> Function:
    code = str(properties.get("CodeUri") or folder_in_image(properties) or shared.get("CodeUri") or ".")
    code = code.rstrip("/")
    name = code.rsplit("/", 1)[-1]
    events: Mapping[str, Any] = properties.get("Events") or {}
    return Function(
        logical_id=logical_id,
        name=name,
        code=code,
        handler=str(properties.get("Handler") or shared.get("Handler") or ""),
        timeout=int(properties.get("Timeout") or shared.get("Timeout") or 3),
        memory=int(properties.get("MemorySize") or shared.get("MemorySize") or 128),
        layers=tuple(map(_referred, [*shared.get("Layers", ()), *properties.get("Layers", ())])),
        environment={**_variables(shared), **_variables(properties)},
        routes=tuple(_routes(name, events)),
        reads_queues=tuple(
            _referred(event["Properties"]["Queue"]) for event in events.values() if event.get("Type") == "SQS"
        ),
    )


def folder_in_image(properties: Mapping[str, Any]) -> str:
    """The folder of a function that comes in a container image, told from the command it is started by."""
    command = (properties.get("ImageConfig") or {}).get("Command") or [""]
    return "/".join(str(command[0]).split(".")[:-2])


def _routes(function: str, events: Mapping[str, Any]) -> Iterator[Route]:
    for event in events.values():
        if event.get("Type") not in ("Api", "HttpApi"):
            continue
        properties = event["Properties"]
        method = str(properties["Method"]).upper()
        for verb in VERBS if method == "ANY" else (method,):
            yield Route(
                method=verb,
                path=str(properties["Path"]),
                function=function,
                streams=properties.get("ResponseTransferMode") == "RESPONSE_STREAM",
            )


VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""What `Method: any` stands for."""


def _queue(logical_id: str, properties: Mapping[str, Any]) -> Queue:
    redrive = properties.get("RedrivePolicy") or {}
    target = redrive.get("deadLetterTargetArn")
    return Queue(
        logical_id=logical_id,
        visibility_timeout=int(properties.get("VisibilityTimeout") or 30),
        dead_letters=_referred(target) if target else None,
    )


def _variables(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    return (holder.get("Environment") or {}).get("Variables") or {}


def _referred(value: Any) -> str:
    """The logical id behind `!Ref X`, `!GetAtt X.Arn` or `!Sub ${X.Arn}`; other text as it is."""
    if isinstance(value, dict):
        ((_, target),) = value.items()
        value = target[0] if isinstance(target, list) else target
    found = re.search(r"\$\{(\w+)", str(value))
    return found[1] if found else str(value)
