"""The OpenAPI 3.1 document, made from the routes and from the models that validate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway import __version__
from gateway.web.api.problem import CONTENT_TYPE, Problem
from gateway.web.api.route import Route

_ALWAYS = (400, 401, 403, 429, 503)  # what any route may answer
_WITH_BODY = (408, 413, 415, 422)
_LATER = {"Retry-After": "Seconds to wait."}
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "RFC 6750."},
    403: {"WWW-Authenticate": "RFC 6750; names the scope that lacks."},
    429: _LATER,
    503: _LATER,
}
_Model: TypeAlias = tuple[type[BaseModel], JsonSchemaMode]
_REF = "#/components/schemas/{model}"


def document(routes: Sequence[Route], prefix: str) -> str:
    """The document as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    schemas = _schemas(tuple(_models(routes)))
    for route in routes:
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Sendright",
                "version": __version__,
                "description": "Evidence in, decisions out; each token speaks for one controller.",
            },
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "The secret of a [[token]] of the configuration.",
                    }
                },
                "schemas": schemas,
            },
        }
    )


def _models(routes: Iterable[Route]) -> Iterator[_Model]:
    """What they take and answer."""
    yield Problem, "serialization"
    for route in routes:
        yield route.answer, "serialization"
        if route.body:
            yield route.body, "validation"


@cache
def _schemas(models: tuple[_Model, ...]) -> Mapping[str, Any]:
    """The models by name, as they validate or as they are written; once, since no reload changes them."""
    found: Mapping[str, Any] = models_json_schema(models, ref_template=_REF)[1]["$defs"]
    return found


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}-{route.path.split('/')[2]}",
        "summary": route.summary,
        "description": f"Asks for a token with the scope `{route.scope}`.",
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": _content("application/json", route.body)}
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name, words in route.parameters.items():
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": words,
            "schema": {"type": "string", "format": "email"},
        }
    for name, words in route.headers.items():
        yield {
            "name": name,
            "in": "header",
            "description": words,
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        }
    if route.query:
        shape = route.query.model_json_schema(ref_template=_REF)
        for name, schema in shape["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "description": schema.pop("description", ""),
                "schema": _inlined(schema, shape.get("$defs", {})),
            }


def _inlined(schema: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema by itself: one that is left out is not null, and has no schemas beside it."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind != {"type": "null"}]
    if "anyOf" not in schema or len(kinds) != 1:
        return schema
    (kind,) = kinds
    return dict(shared[kind["$ref"].rpartition("/")[2]]) if "$ref" in kind else kind


def _responses(route: Route) -> dict[str, Any]:
    content = _content("application/json", route.answer)
    if route.exports_csv:
        content["text/csv"] = {"schema": {"type": "string"}}
    answers: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
    if route.links:
        answers["200"]["headers"] = _headers(route.links)
    statuses = {*_ALWAYS, *route.refusals, *(_WITH_BODY if route.body else ())}
    if route.query or route.parameters:
        statuses.add(422)
    for status in sorted(statuses):
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": _content(CONTENT_TYPE, Problem),
        }
        if status == 400:  # what is no HTTP never reaches the application, as a line of over 8 kB
            answers["400"]["content"]["text/plain"] = {"schema": {"type": "string"}}
        if status in _HEADERS:
            answers[str(status)]["headers"] = _headers(_HEADERS[status])
    return answers


def _headers(named: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": words, "schema": {"type": "string"}} for name, words in named.items()}


def _content(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REF.format(model=model.__name__)}}}
