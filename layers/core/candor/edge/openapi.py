"""OpenAPI: the table of routes as OpenAPI 3.1, from the same models that validate."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from candor import VERSION
from candor.edge.models import ErrorReply
from candor.edge.routes import ROUTES, Access, Route

_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token from /v1/auth/login, or a token of yours (sk_…).",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The key of the environment, or a token (sk_…).",
    },
    "adminKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Admin-API-Key",
        "description": "The admin key of the environment.",
    },
}

_SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.PUBLIC_QUERY: [{"bearer": []}, {"apiKey": []}, {"adminKey": []}, {}],
    Access.API: [{"bearer": []}, {"apiKey": []}, {"adminKey": []}],
    Access.USER_JWT: [{"bearer": []}],
    Access.WRITE_DOCUMENTS: [{"bearer": []}, {"apiKey": []}, {"adminKey": []}],
    Access.METRICS: [{"bearer": []}, {"apiKey": []}, {"adminKey": []}],
    Access.ADMIN: [{"bearer": []}, {"apiKey": []}, {"adminKey": []}],
}

WHO: Mapping[Access, str] = {
    Access.PUBLIC: "Open to everybody.",
    Access.PUBLIC_QUERY: "Any credential; open to everybody where PUBLIC_QUERY_ENABLED is set.",
    Access.API: "Any credential.",
    Access.USER_JWT: "A user who has signed in.",
    Access.WRITE_DOCUMENTS: "An admin, the API key, or a token with the scope `documents`.",
    Access.METRICS: "An admin, or a token with the scope `metrics`.",
    Access.ADMIN: "An admin.",
}

_ERRORS = {
    400: "The request cannot be read.",
    401: "No credential, or one we do not know.",
    403: "A valid credential that is not enough.",
    404: "There is no such thing.",
    409: "It contradicts what is there, or the Idempotency-Key was used for something else.",
    413: "More than we take.",
    415: "The body, or the file in it, is of a kind that is not read here.",
    422: "The body, the query or the path is not valid; `errors` says where.",
    429: "Asked too often; `Retry-After` says when to come back.",
    502: "The page that was to be fetched cannot be had: its server failed, or answered without end.",
    503: "A service we lean on failed; `Retry-After` says when to come back.",
}

_REF = "#/components/schemas/{model}"


def described(app_name: str, *, base: str = "/") -> dict[str, Any]:
    """The whole document. `base` stands before every path."""
    models = [(model, mode) for route in ROUTES for model, mode in _models(route)]
    models.append((ErrorReply, "serialization"))
    unique = list(dict.fromkeys(models))
    names, schemas = models_json_schema(unique, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{app_name} API",
            "version": VERSION,
            "description": "Answers to support questions from a company's own documents, with evidence.",
        },
        "servers": [{"url": base}],
        "tags": [{"name": name} for name in dict.fromkeys(route.area for route in ROUTES)],
        "paths": paths,
        "components": {"schemas": schemas.get("$defs", {}), "securitySchemes": _SCHEMES},
    }


def _models(route: Route) -> Iterable[tuple[type[BaseModel], str]]:
    if route.body is not None:
        yield route.body, "validation"
    yield route.query, "validation"
    if isinstance(route.reply, type) and issubclass(route.reply, BaseModel):
        yield route.reply, "serialization"
    for inner in getattr(route.reply, "__args__", ()):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield inner, "serialization"


def _operation(route: Route, names: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _identifier(route),
        "tags": [route.area],
        "summary": route.summary,
        "description": WHO[route.access],
        "security": _SECURITY[route.access],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {str(route.status): _success(route, names), **_failures(route)},
    }
    if route.form is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": _form(route)}},
        }
    if route.body is not None:
        schema = names[route.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _form(route: Route) -> dict[str, Any]:
    assert route.form is not None
    schema = route.form.model_json_schema(ref_template=_REF)
    file = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    required = ["file", *schema.get("required", ())]
    return {
        "type": "object",
        "properties": {"file": file, **schema.get("properties", {})},
        "required": required,
    }


def _identifier(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.path) or ["root"]
    return "_".join((route.method.lower(), *words))


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema(ref_template=_REF)
    required, own = schema.get("required", ()), schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _whole(part, own)}
        for name, part in schema.get("properties", {}).items()
    ]


def _whole(schema: Any, own: Mapping[str, Any]) -> Any:
    """With its definitions in it: among all models' two of one name would be called otherwise."""
    if isinstance(schema, list):
        return [_whole(each, own) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if (ref := schema.get("$ref")) is not None:
        beside = {name: part for name, part in schema.items() if name != "$ref"}
        return _whole({**own[ref.rpartition("/")[2]], **beside}, own)
    return {name: _whole(part, own) for name, part in schema.items()}


def _headers(route: Route) -> list[dict[str, Any]]:
    headers = {"X-Trace-Id": "Comes back with the answer, and stands in the logs."}
    if route.creates:
        headers["Idempotency-Key"] = "The same key and body: the same answer, executed once."
    if route.function in ("replies", "chat", "chat_stream"):
        headers["X-External-User-Id"] = "The customer behind an integration's key; at most 128 characters."
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    ]


def _success(route: Route, names: Mapping[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if route.media_type != "application/json":
        success["content"] = {route.media_type: {"schema": {"type": "string"}}}
    elif isinstance(route.reply, type) and issubclass(route.reply, BaseModel):
        success["content"] = {"application/json": {"schema": names[route.reply, "serialization"]}}
    elif route.reply is not None:
        schema = TypeAdapter(route.reply).json_schema(ref_template=_REF, mode="serialization")
        schema.pop("$defs", None)
        success["content"] = {"application/json": {"schema": schema}}
    return success


def _failures(route: Route) -> dict[str, Any]:
    numbers = {*route.also, *((429, 503) if route.limited else ())}
    if route.access is not Access.PUBLIC:
        numbers |= {401, 403}
    if "{" in route.path:
        numbers |= {404, 422}
    if route.body is not None or route.form is not None:
        numbers |= {400, 413, 415, 422}
    if route.query.model_fields or route.creates:
        numbers |= {400, 422}
    if route.creates:
        numbers.add(409)
    content = {"application/json": {"schema": {"$ref": _REF.format(model="ErrorReply")}}}
    return {str(number): {"description": _ERRORS[number], "content": content} for number in sorted(numbers)}
