"""The endpoints that tell which plugins there are, and their documentation."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api.calls import API, Call, json_response, route
from pytest_kestra.engine.api.problems import Problem, not_convertible
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import Kestra

PLUGINS = f"{API}/plugins"
CACHED = {"cache-control": "public, max-age=3600"}
DOCS = "io.kestra.core.docs"
# The groups of triggers in their order, and the packages whose triggers are Kestra's own wherever they come from.
GROUPS = ("core", "realtime", "app")
OWN = ("io.kestra.plugin.core.", "io.kestra.core.")
# How many plugins 2.0 tells at once.
PAGE = 10_000


def plugins(call: Call) -> Response:
    """Answer all plugins; on 2.0 a page of them."""
    told = [_told(plugin) for plugin in registry(call.kestra).plugins()]
    if call.kestra.line == "1.3":
        return json_response(call.kestra, to_java(told))
    size = call.number("size", PAGE)
    first = (call.number("page", 1) - 1) * size
    return json_response(call.kestra, to_java({"results": told[first : first + size], "total": len(told)}))


def subgroups(call: Call) -> Response:
    """Answer all plugins, and after them each of their subgroups."""
    found = list(registry(call.kestra).plugins())
    told = [_told(plugin) for plugin in found]
    told += [_told(plugin, group) for plugin in found for group in plugin.subGroupNames()]
    return json_response(call.kestra, java("java.util.LinkedHashSet")(to_java(told)))


def inputs(call: Call) -> Response:
    """Answer the types that an input may have."""
    types = java("io.kestra.core.models.flows.Type").values()
    told = [{"type": kind.name(), "cls": kind.cls().getName()} for kind in types]
    return json_response(call.kestra, to_java(told))


def input_type(call: Call) -> Response:
    """Answer documentation and schema of a type of inputs."""
    kind = _constant(call, "io.kestra.core.models.flows.Type")
    found = java(f"{DOCS}.ClassInputDocumentation").of(_generator(call), kind.cls())
    return cached(call, _documentation(found, None))


def schema(call: Call) -> Response:
    """Answer the JSON schema of a kind of resource, such as a flow."""
    kind = _constant(call, f"{DOCS}.SchemaType")
    return cached(call, _schemas(call).getSchemaForType(kind, call.flag("arrayOf")))


def properties(call: Call) -> Response:
    """Answer the properties in the JSON schema of a kind of resource."""
    return cached(call, _schemas(call).getPropertiesForType(_constant(call, f"{DOCS}.SchemaType")))


def plugin(call: Call) -> Response:
    """Answer documentation and schema of a plugin's class; the open-source server has one version of each."""
    name, version = call.path["cls"], call.path.get("version")
    found = registry(call.kestra).findMetadataByIdentifier(name)
    if found.isEmpty():
        raise Problem(404, f"Not Found: Class '{name}' doesn't exists ")
    documentation = java(f"{DOCS}.ClassPluginDocumentation")
    told = documentation.of(_generator(call), found.get(), version, call.flag("all"))
    return cached(call, _documentation(told, told.getOutputsSchema()))


def versions(call: Call) -> Response:
    """Answer the versions of a plugin's class."""
    name = call.path["cls"]
    return json_response(
        call.kestra, to_java({"type": name, "versions": registry(call.kestra).getAllVersionsForType(name)})
    )


def triggers(call: Call) -> Response:
    """Answer all types of triggers: Kestra's own first, then those that listen, then those that ask."""
    plugin = java("io.kestra.core.models.Plugin")
    found = [
        (told, cls)
        for told in registry(call.kestra).plugins()
        for cls in told.getTriggers()
        if not plugin.isInternal(cls)
    ]
    results = [_trigger(told, cls) for told, cls in found]
    results.sort(key=lambda item: (GROUPS.index(item["group"]), item["name"].lower()))
    return json_response(call.kestra, to_java({"results": results, "total": len(results)}))


def registry(kestra: Kestra) -> Any:
    """Return Kestra's registry of plugins."""
    return kestra.bean("io.kestra.core.plugins.PluginRegistry")


def cached(call: Call, value: Any) -> Response:
    """Answer what changes with the plugins only, and say so."""
    response = json_response(call.kestra, value)
    response.headers.update(CACHED)
    return response


def _told(plugin: Any, subgroup: str | None = None) -> Any:
    return java(f"{DOCS}.Plugin").of(plugin, subgroup)


def _trigger(plugin: Any, cls: Any) -> dict[str, Any]:
    name, package = str(cls.getName()), f"{cls.getPackageName()}."
    licence = str(plugin.license() or "").upper()
    told = {
        "type": name,
        "name": str(cls.getSimpleName()),
        "group": _group(plugin, cls, package),
        "ee": "EE" in licence or ".ee." in package,
        "icon": name,
    }
    schema = cls.getAnnotation(java("io.swagger.v3.oas.annotations.media.Schema").class_)
    if schema is not None and schema.description():
        told["description"] = schema.description()
    if java("io.kestra.core.models.Plugin").isDeprecated(cls):
        told["deprecated"] = True
    return told


def _group(plugin: Any, cls: Any, package: str) -> str:
    if plugin.getExternalPlugin() is None or package.startswith(OWN):
        return "core"
    listens = java("io.kestra.core.models.triggers.RealtimeTriggerInterface").class_
    return "realtime" if listens.isAssignableFrom(cls) else "app"


def _documentation(found: Any, outputs: Any) -> Any:
    text = _alerts(str(java(f"{DOCS}.DocumentationGenerator").render(found)))
    told = java(f"{DOCS}.Schema")(found.getPropertiesSchema(), outputs, found.getDefs())
    return java(f"{DOCS}.DocumentationWithSchema")(text, told)


def _alerts(text: str) -> str:
    """Return Markdown with the alerts of Kestra's site written as usual containers."""
    return re.sub(r'\n::alert\{type="(.*)"\}\n', r"\n::: \1\n", text).replace("\n::\n", "\n:::\n")


def _constant(call: Call, enum: str) -> Any:
    name = call.path["type"]
    for constant in java(enum).values():
        if str(constant.name()).lower() == name.lower():
            return constant
    raise not_convertible("type", name, f"No enum constant {enum}.{name}")


def _generator(call: Call) -> Any:
    return call.kestra.bean(f"{DOCS}.JsonSchemaGenerator")


def _schemas(call: Call) -> Any:
    return call.kestra.bean(f"{DOCS}.JsonSchemaCache")


ROUTES = [
    route(PLUGINS, plugins),
    route(f"{PLUGINS}/groups/subgroups", subgroups),
    route(f"{PLUGINS}/inputs", inputs),
    route(f"{PLUGINS}/inputs/{{type}}", input_type),
    route(f"{PLUGINS}/schemas/{{type}}", schema),
    route(f"{PLUGINS}/properties/{{type}}", properties),
    route(f"{PLUGINS}/{{cls}}", plugin),
    route(f"{PLUGINS}/{{cls}}/versions", versions),
    route(f"{PLUGINS}/{{cls}}/versions/{{version}}", plugin),
]


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    return ROUTES if line == "1.3" else [*ROUTES, route(f"{PLUGINS}/triggers", triggers)]
