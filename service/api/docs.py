"""The page /docs: the OpenAPI description as plain HTML, without scripts."""

import json
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
section { border-top: 1px solid #ccc; margin-top: 2rem; padding-top: 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #f4f4f4; border-radius: 4px }
code { padding: .1em .3em } pre { padding: .8rem; overflow-x: auto }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee } code, pre { background: #262626 } }
"""


def docs_page(openapi: dict[str, Any]) -> str:
    """Return the whole page for an OpenAPI description."""
    title = escape(openapi["info"]["title"])
    shared = openapi.get("components", {}).get("examples", {})
    sections = "".join(
        _operation(method, path, operation, shared)
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{_text(openapi['info'].get('description', ''))}"
        f'<p>Machine-readable: <a href="/openapi.json">/openapi.json</a></p>{sections}</html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any], shared: dict[str, Any]) -> str:
    samples = "".join(f"<pre>{escape(sample['source'])}</pre>" for sample in operation.get("x-codeSamples", []))
    responses = "".join(_response(status, response, shared) for status, response in operation["responses"].items())
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation.get('summary', ''))}</p>"
        f"{_text(operation.get('description', ''))}{samples}{_fields(operation)}<h3>Answers</h3>{responses}</section>"
    )


def _fields(operation: dict[str, Any]) -> str:
    forms = operation.get("requestBody", {}).get("content", {}).values()
    rows = [(name, field) for form in forms for name, field in form.get("schema", {}).get("properties", {}).items()]
    named = {name for name, _ in rows}
    rows += [(p["name"], p["schema"]) for p in operation.get("parameters", []) if p["name"] not in named]
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(_kind(field))}<td>{escape(field.get('description', ''))}"
        for name, field in rows
    )
    return f"<h3>Fields</h3><table><tr><th>name<th>values<th>meaning{cells}</table>"


def _kind(field: dict[str, Any]) -> str:
    values = " | ".join(field["enum"]) if "enum" in field else _type(field)
    default = field.get("default")
    return f"{values}, default {default}" if default is not None else str(values)


def _type(field: dict[str, Any]) -> str:
    one = field.get("anyOf", [field])[0]  # the other one of an option that may be left out is null
    return str(one.get("format") or one["type"])


def _response(status: str, response: dict[str, Any], shared: dict[str, Any]) -> str:
    examples = [
        example
        for content in response.get("content", {}).values()
        for example in ([content["example"]] if "example" in content else _values(content, shared))
    ]
    shown = "".join(f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>" for example in examples)
    summary = f"<code>{escape(status)}</code> {escape(response.get('description', ''))}"
    return f"<details><summary>{summary}</summary>{shown}</details>" if shown else f"<p>{summary}</p>"


def _values(content: dict[str, Any], shared: dict[str, Any]) -> list[Any]:
    examples = content.get("examples", {}).values()
    return [shared[each["$ref"].rpartition("/")[2]]["value"] if "$ref" in each else each["value"] for each in examples]


def _text(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
