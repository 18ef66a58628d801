"""The endpoints of the plugins' icons."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, route
from pytest_kestra.engine.api.plugins import DOCS, PLUGINS, cached, registry
from pytest_kestra.engine.jvm import java, to_java

GROUP = "plugin-icon"
# What of a plugin has icons, as the methods that list it; 2.0 has no conditions.
LISTS = (
    *("getTasks", "getTriggers", "getConditions", "getTaskRunners", "getLogExporters", "getApps", "getAppBlocks"),
    "getAdditionalPlugins",
)


def of_classes(call: Call) -> Response:
    """Answer the icons of all classes, by their names and former names."""
    found: dict[str, Any] = {}
    for plugin in registry(call).plugins():
        for listed in LISTS:
            for cls in getattr(plugin, listed, tuple)():
                found.setdefault(str(cls.getName()), _icon(plugin, cls, str(cls.getSimpleName())))
    for plugin in registry(call).plugins():
        for entry in plugin.getAliases().values():
            name = str(entry.getKey())
            found[name] = _icon(plugin, entry.getValue(), name.rpartition(".")[2])
    return cached(call, to_java(found))


def of_groups(call: Call) -> Response:
    """Answer the icons of all groups and subgroups of plugins."""
    icon = java(f"{DOCS}.PluginIcon")
    found: dict[str, Any] = {}
    for plugin in registry(call).plugins():
        if plugin.group() is not None:
            found[str(plugin.group())] = icon(GROUP, plugin.icon(GROUP), False)
            found |= {str(name): icon(GROUP, plugin.icon(name), False) for name in plugin.subGroupNames()}
    return cached(call, to_java(found))


def _icon(plugin: Any, cls: Any, name: str) -> Any:
    flowable = java("io.kestra.core.models.tasks.FlowableTask").class_.isAssignableFrom(cls)
    return java(f"{DOCS}.PluginIcon")(name, plugin.icon(cls), flowable)


ROUTES = [
    route(f"{PLUGINS}/icons", of_classes),
    route(f"{PLUGINS}/icons/groups", of_groups),
]
