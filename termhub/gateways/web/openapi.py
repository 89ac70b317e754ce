"""The OpenAPI 3.1 document, made from the operations and their types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from .operations import PREFIX, Bytes, Operation
from .problems import CONTENT_TYPE, Problem

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"<(?:(int):)?(\w+)>")

_PARAMETERS = {
    "console": "The console's id or name.",
    "window": "The window's number.",
    "session": "The login session's number.",
    "token": "The token's number.",
    "key": "The key's number.",
    "share": "The share's id.",
    "member": "The member's number.",
    "user": "The account's name.",
    "code": "The code that was shown by ssh, such as `ABCD-EFGH`.",
}


def openapi_document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The document that describes these operations."""
    structs = _structs(operations)
    schemas, components = msgspec.json.schema_components(structs, ref_template=_REF)
    refs = dict(zip(structs, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(path_template(operation), {})[operation.method.lower()] = _described(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "termhub",
            "version": version,
            "description": "Consoles that go on when you are away.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}, {"cookie": []}, {"guest": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "termhub_session",
                    "description": "By https its name is `__Host-termhub_session`.",
                },
                "guest": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "termhub_guest",
                    "description": "By https its name is `__Host-termhub_guest`.",
                },
            },
        },
    }


def path_template(operation: Operation) -> str:
    """The path as OpenAPI writes it, below the server's URL."""
    return _PARAMETER.sub(r"{\2}", operation.path)


def _structs(operations: Sequence[Operation]) -> list[type[Struct]]:
    found: dict[type[Struct], None] = {Problem: None}
    for operation in operations:
        for kind in (operation.body, *operation.answers.values()):
            if kind is not None and issubclass(kind, Struct):
                found[kind] = None
    return list(found)


def _described(operation: Operation, refs: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.handler.__doc__ or operation.summary,
        "responses": {
            **{str(status): _answer(operation, status, refs) for status in operation.answers},
            **{str(status): _problem(status, refs) for status in _refusals(operation)},
        },
    }
    if operation.is_public:
        described["security"] = []
    elif operation.refuses_guests:
        described["security"] = [{"token": []}, {"cookie": []}]
    parameters = [*_path_parameters(operation), *_query_parameters(operation)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {
            "required": _needs_something(operation.body),
            "content": _content(operation.body, refs),
        }
    return described


def _answer(operation: Operation, status: int, refs: dict[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    kind = operation.answers[status]
    if kind is not None:
        answer["content"] = _content(kind, refs)
    if operation.answer_headers:
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in operation.answer_headers.items()
        }
    return answer


def _refusals(operation: Operation) -> list[int]:
    always = {400, 429, 500}
    if not operation.is_public or operation.body is not None:
        always.add(401)
    if operation.changes_something or not operation.is_public:
        always.add(403)
    if operation.role is not None:
        always.add(404)
    if operation.body is not None:
        always.add(413)
    return sorted(always | set(operation.refusals))


def _problem(status: int, refs: dict[Any, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {CONTENT_TYPE: {"schema": refs[Problem]}}}


def _content(kind: Any, refs: dict[Any, Any]) -> dict[str, Any]:
    # Raw bytes have no schema (OpenAPI 3.1, section 4.8.14.3).
    if issubclass(kind, Bytes):
        return {kind.content_type: {}}
    return {"application/json": {"schema": refs[kind]}}


def _needs_something(body: type[Struct] | type[Bytes]) -> bool:
    """Whether a request without a body is refused."""
    return issubclass(body, Struct) and any(field.required for field in msgspec.structs.fields(body))


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name],
            "schema": {"type": "integer", "minimum": 0} if kind else {"type": "string"},
        }
        for kind, name in _PARAMETER.findall(operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    ((_, schema), components) = _query_schema(operation.query)
    properties = components[schema]["properties"]
    needed = components[schema].get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in needed,
            "description": value.get("description", ""),
            "schema": {key: part for key, part in value.items() if key != "description"},
        }
        for name, value in properties.items()
    ]


def _query_schema(query: type[Struct]) -> tuple[tuple[Any, str], dict[str, Any]]:
    (ref,), components = msgspec.json.schema_components([query], ref_template=_REF)
    return (ref, query.__name__), components
