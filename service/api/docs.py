"""The OpenAPI description, and the page /docs: the same as plain HTML, without scripts."""

import json
from html import escape
from typing import Any

from fastapi import FastAPI

from service.api.problems import MEDIA_TYPE

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
section { border-top: 1px solid #ccc; margin-top: 2rem; padding-top: 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #f4f4f4; border-radius: 4px }
code { padding: .1em .3em } pre { padding: .8rem; overflow-x: auto }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #eee } code, pre { background: #262626 } }
"""


class DescribedApp(FastAPI):
    """An app whose description says of errors what is true: all are problems, and never FastAPI's own 422."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        described = super().openapi()
        for operations in described["paths"].values():
            for operation in operations.values():
                _describe_errors(operation["responses"])
        for name in ("HTTPValidationError", "ValidationError"):
            described["components"]["schemas"].pop(name, None)
        return described


def _describe_errors(responses: dict[str, Any]) -> None:
    for status, response in list(responses.items()):
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            content[MEDIA_TYPE] |= content.pop("application/json", {})
        elif status == "422":
            del responses[status]


def docs_page(openapi: dict[str, Any]) -> str:
    """Return the whole page for an OpenAPI description."""
    title = escape(openapi["info"]["title"])
    sections = "".join(
        _operation(method, path, operation)
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title}</h1>{_text(openapi['info'].get('description', ''))}"
        f'<p>Machine-readable: <a href="/openapi.json">/openapi.json</a></p>{sections}</html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    samples = "".join(f"<pre>{escape(sample['source'])}</pre>" for sample in operation.get("x-codeSamples", []))
    responses = "".join(_response(status, response) for status, response in operation["responses"].items())
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
    values = " | ".join(field["enum"]) if "enum" in field else field.get("format") or field.get("type", "number")
    default = field.get("default")
    return f"{values}, default {default}" if default is not None else str(values)


def _response(status: str, response: dict[str, Any]) -> str:
    examples = [
        example
        for content in response.get("content", {}).values()
        for example in ([content["example"]] if "example" in content else _values(content))
    ]
    shown = "".join(f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>" for example in examples)
    summary = f"<code>{escape(status)}</code> {escape(response.get('description', ''))}"
    return f"<details><summary>{summary}</summary>{shown}</details>" if shown else f"<p>{summary}</p>"


def _values(content: dict[str, Any]) -> list[Any]:
    return [example["value"] for example in content.get("examples", {}).values()]


def _text(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
