"""The endpoints of the plugins' icons."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api.calls import Call, route
from pytest_kestra.engine.api.plugins import DOCS, PLUGINS, cached, registry
from pytest_kestra.engine.api.problems import not_found
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import Kestra

GROUP = "plugin-icon"
# An icon's address has its hash, so it never changes.
IMMUTABLE = {"cache-control": "public, max-age=31536000, immutable"}
# What of a plugin has icons, as the methods that list it; 2.0 has no conditions.
LISTS = (
    *("getTasks", "getTriggers", "getConditions", "getTaskRunners", "getLogExporters", "getApps", "getAppBlocks"),
    "getAdditionalPlugins",
)


def of_classes(call: Call) -> Response:
    """Answer the icons of all classes, by their names and former names."""
    return cached(call, to_java(_classes(call.kestra)))


def of_groups(call: Call) -> Response:
    """Answer the icons of all groups and subgroups of plugins."""
    return cached(call, to_java(_groups(call.kestra)))


def of_one(call: Call) -> Response:
    """Answer the icon of a class or group; none where there is none."""
    return cached(call, to_java({"icon": _find(call)}))


def svg(call: Call) -> Response:
    """Answer the icon of a class or group as an image; the others that Kestra's site has are not asked for."""
    found = _find(call)
    if found is None or found.getIcon() is None:
        raise not_found()
    return Response(base64.b64decode(str(found.getIcon())), headers=IMMUTABLE, media_type="image/svg+xml")


def _find(call: Call) -> Any:
    name = call.path["cls"]
    return _classes(call.kestra).get(name) or _groups(call.kestra).get(name)


# Plugins stay the same as long as the engine lives, and reading all images takes its time.
@cache
def _classes(kestra: Kestra) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for plugin in registry(kestra).plugins():
        for listed in LISTS:
            for cls in getattr(plugin, listed, tuple)():
                found.setdefault(str(cls.getName()), _icon(kestra, plugin, cls, str(cls.getSimpleName())))
    for plugin in registry(kestra).plugins():
        for entry in plugin.getAliases().values():
            name = str(entry.getKey())
            found[name] = _icon(kestra, plugin, entry.getValue(), name.rpartition(".")[2])
    return found


@cache
def _groups(kestra: Kestra) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for plugin in registry(kestra).plugins():
        if plugin.group() is not None:
            for name in (GROUP, *map(str, plugin.subGroupNames())):
                found[str(plugin.group()) if name == GROUP else name] = _made(kestra, GROUP, plugin.icon(name))
    return found


def _icon(kestra: Kestra, plugin: Any, cls: Any, name: str) -> Any:
    flowable = java("io.kestra.core.models.tasks.FlowableTask").class_.isAssignableFrom(cls)
    icon = plugin.icon(cls)
    if icon is None and kestra.line != "1.3":  # that of the whole plugin
        icon = plugin.icon(GROUP)
    return _made(kestra, name, icon, flowable=flowable)


def _made(kestra: Kestra, name: str, icon: Any, *, flowable: bool = False) -> Any:
    """Return an icon as Kestra tells it, on 2.0 with its hash and whether it takes the colour of the text."""
    made = java(f"{DOCS}.PluginIcon")
    if kestra.line == "1.3" or icon is None:
        return made(name, icon, flowable)
    monochrome = b"currentColor" in base64.b64decode(str(icon))
    return made(name, icon, flowable, monochrome, java("io.kestra.core.utils.Hashing").hashToString(icon))


ROUTES = [
    route(f"{PLUGINS}/icons", of_classes),
    route(f"{PLUGINS}/icons/groups", of_groups),
]
ONE = [
    route(f"{PLUGINS}/icons/{{cls}}", of_one),
    route(f"{PLUGINS}/icons/{{cls}}/icon.svg", svg),
]


def routes(line: str) -> list[Route]:
    """Return the routes of a line."""
    return ROUTES if line == "1.3" else [*ROUTES, *ONE]
