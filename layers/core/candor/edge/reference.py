"""Reference: the OpenAPI document as a page for people; no script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

_DEEPEST = 4


def reference_page(document: Mapping[str, Any], *, base: str) -> str:
    """The whole reference."""
    title = escape(document["info"]["title"])
    areas: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            areas[operation["tags"][0]].append((method, path, operation))
    links, sections = [], []
    for area, found in areas.items():
        links.append(f"<h2>{escape(area)}</h2>")
        sections.append(f'<h2 class="area" id="{escape(area)}">{escape(area)}</h2>')
        for method, path, operation in found:
            name = escape(operation["operationId"])
            links.append(f'<a href="#{name}">{_verb(method)} {escape(path)}</a>')
            sections.append(_operation(document, method, path, operation))
    start = f"""<p class="lead">{escape(document["info"]["description"])}
Version {escape(document["info"]["version"])}; for machines:
<a href="{escape(base)}/openapi.json">openapi.json</a>.</p>
<pre><code>curl {escape(base)}/v1/reply/generate -H "X-API-Key: $API_KEY" \\
  -H "Content-Type: application/json" -d '{{"query": "How do I change my password?"}}'</code></pre>"""
    body = f"""<div class="page"><nav><strong>{title}</strong>{"".join(links)}</nav>
<main><h1>{title}</h1>{start}{"".join(sections)}</main></div>"""
    return _page(title, body)


def landing_page(app_name: str, *, base: str, docs: bool) -> str:
    """What one sees at the root."""
    name, at = escape(app_name), escape(base)
    read = f'<p><a href="{at}/docs">Read the reference</a>' if docs else "<p>The reference is switched off"
    body = f"""<main><h1>{name}</h1><p class="lead">An assistant that answers support questions from a
company's own documents, shows its evidence, and says so when it cannot.</p>
{read} · <a href="{at}/v1/health">Is it well?</a></p></main>"""
    return _page(name, body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_style()}</style></head><body>{body}</body></html>"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("reference.css").read_text(encoding="utf-8")


def _verb(method: str) -> str:
    return f'<span class="verb {escape(method)}">{escape(method.upper())}</span>'


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>"]
    if parameters := operation["parameters"]:
        rows = [
            _row(document, p["name"], p["schema"], p["required"], f"{p['in']}. {p.get('description', '')}")
            for p in parameters
        ]
        parts.append(_table("Parameters", rows))
    if "requestBody" in operation:
        # One kind of content a route: JSON, or a form with a file.
        [content] = operation["requestBody"]["content"].values()
        parts.append(_table("Body", list(_rows(document, content["schema"]))))
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if content and status.startswith("2") and (rows := list(_rows(document, content["schema"]))):
            parts.append(_table(f"Answer {status}", rows))
    errors = [
        f"<tr><td><code>{escape(status)}</code></td><td>{escape(response['description'])}</td></tr>"
        for status, response in operation["responses"].items()
        if not status.startswith("2")
    ]
    parts.append(_table("Errors", errors))
    return (
        f'<details class="op" id="{escape(operation["operationId"])}"><summary>{_verb(method)}'
        f'<span class="path">{escape(path)}</span>'
        f'<span class="says">{escape(operation["summary"])}</span></summary>'
        f'<div class="inside">{"".join(parts)}</div></details>'
    )


def _table(title: str, rows: list[str]) -> str:
    return f'<h4>{escape(title)}</h4><div class="scroll"><table>{"".join(rows)}</table></div>' if rows else ""


def _rows(
    document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[str]:
    """The fields of an object, those of objects inside it indented by their path."""
    whole = _resolved(document, schema)
    if whole.get("type") == "array" and depth < _DEEPEST:
        yield from _rows(document, whole.get("items", {}), f"{prefix}[].", depth + 1)
        return
    required = whole.get("required", ())
    for name, part in whole.get("properties", {}).items():
        inner = _resolved(document, part)
        yield _row(document, f"{prefix}{name}", part, name in required, inner.get("description", ""))
        nested = inner.get("items", inner) if inner.get("type") == "array" else inner
        if depth < _DEEPEST and "properties" in _resolved(document, nested):
            mark = "[]" if inner.get("type") == "array" else ""
            yield from _rows(document, nested, f"{prefix}{name}{mark}.", depth + 1)


def _row(document: Mapping[str, Any], name: str, schema: Mapping[str, Any], required: bool, text: str) -> str:
    must = ' <span class="must" title="required">*</span>' if required else ""
    kind = escape(_kind(document, schema))
    cells = f'<td><code>{escape(name)}</code>{must}</td><td class="kind">{kind}</td><td>{escape(text)}</td>'
    return f"<tr>{cells}</tr>"


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    whole = _resolved(document, schema)
    if "enum" in whole:
        kind = " | ".join(str(value) for value in whole["enum"])
    elif whole.get("type") == "array":
        kind = f"list of {_kind(document, whole.get('items', {}))}"
    else:
        kind = whole.get("format") or whole.get("type") or "any"
    low = whole.get("minimum", whole.get("minLength"))
    high = whole.get("maximum", whole.get("maxLength"))
    if low is not None or high is not None:
        kind += f" {'' if low is None else low}…{'' if high is None else high}"
    default = schema.get("default")
    return (
        kind
        if default is None
        else f"{kind} = {str(default).lower() if isinstance(default, bool) else default}"
    )


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and take what stands beside null."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(option for option in schema["anyOf"] if option.get("type") != "null")
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema
