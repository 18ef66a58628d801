"""The endpoints about the server itself."""

from __future__ import annotations

from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api.calls import API, Call, json_response, route
from pytest_kestra.engine.jvm import java, to_java
from pytest_kestra.engine.kestra import Kestra

# Not Kestra's: how the one who started the engine ends it.
STOP = "/pytest-kestra/stop"
# Kestra's web server notes here what is wrong with the credentials it is configured with.
CREDENTIALS_ERROR = "kestra.server.authentication-configuration-error"
HIDDEN_LABELS = ("system.", "internal.")


def ready(kestra: Kestra, url: str) -> None:
    """Tell the health indicators that the API is served, which Micronaut's own web server would."""
    instance = java("io.micronaut.discovery.ServiceInstance").of("kestra", java("java.net.URI").create(url))
    kestra.context.publishEvent(java("io.micronaut.discovery.event.ServiceReadyEvent")(instance))


async def stop(request: Request) -> Response:
    """End the engine after this answer."""
    return Response(status_code=202, background=BackgroundTask(request.app.state.stop))


def health(call: Call) -> Response:
    """Answer whether the server is up, as all health indicators of this process say together."""
    health_package = "io.micronaut.management.health"
    indicator = java(f"{health_package}.indicator.HealthIndicator")
    indicators = indicator[:](list(call.kestra.context.getBeansOfType(indicator)))
    everything = java("io.micronaut.management.endpoint.health.HealthLevelOfDetail").STATUS_DESCRIPTION_DETAILS
    aggregator = call.kestra.bean(f"{health_package}.aggregator.HealthAggregator")
    found = java("reactor.core.publisher.Mono").from_(aggregator.aggregate(indicators, everything)).block()
    return json_response(call.kestra, found, 200 if found.getStatus() != "DOWN" else 503)


def configs(call: Call) -> Response:
    """Answer the version and the settings that a client may want to know."""
    kestra, settings = call.kestra, call.kestra.context
    version = kestra.bean("io.kestra.core.utils.VersionProvider")
    values: dict[str, Any] = {
        "uuid": kestra.bean("io.kestra.core.services.InstanceService").fetch(),
        "version": kestra.version,
        "edition": kestra.bean("io.kestra.core.utils.EditionProvider").get(),
        "commitId": version.getRevision(),
        "chartDefaultDuration": _setting(settings, "kestra.ui.charts.default-duration", "PT24H"),
        "commitDate": version.getDate(),
        # What this engine does not serve is not enabled.
        "isCustomDashboardsEnabled": False,
        "isAnonymousUsageEnabled": _flag(settings, "kestra.anonymous-usage-report.enabled"),
        "isUiAnonymousUsageEnabled": _flag(settings, "kestra.ui-anonymous-usage-report.enabled"),
        "isTemplateEnabled": False,
        "environment": _environment(settings),
        "url": call.url,
        "preview": {
            "initial": int(_setting(settings, "kestra.server.preview.initial-rows", "100")),
            "max": int(_setting(settings, "kestra.server.preview.max-rows", "5000")),
        },
        "systemNamespace": kestra.system_namespace,
        "hiddenLabelsPrefixes": _list(settings, "kestra.hidden-labels.prefixes", HIDDEN_LABELS),
        "isAiEnabled": False,
        "isAiApiKeyConfigured": False,
        "isBasicAuthInitialized": True,
        "pluginsHash": kestra.bean("io.kestra.core.plugins.PluginRegistry").hash(),
        "isConcurrencyViewEnabled": True,
    }
    return json_response(kestra, to_java({key: value for key, value in values.items() if value is not None}))


def usages(call: Call) -> Response:
    """Answer how many flows there are, with what in them, and how the executions of the last day ended."""
    now = java("java.time.ZonedDateTime").now()
    day = java("io.kestra.core.reporter.Reportable$TimeInterval").of(now.minusDays(1), now)
    report = call.kestra.bean("io.kestra.core.reporter.reports.FeatureUsageReport").report(now.toInstant(), day)
    return json_response(call.kestra, to_java({"flows": report.getFlows(), "executions": report.getExecutions()}))


def credential_errors(call: Call) -> Response:
    """Answer what is wrong with the configured credentials."""
    settings = call.kestra.bean("io.kestra.core.repositories.SettingRepositoryInterface")
    found = settings.findByKey(CREDENTIALS_ERROR)
    return json_response(call.kestra, to_java([]) if found.isEmpty() else found.get().getValue())


def filters(call: Call) -> Response:
    """Answer the names of the filters that expressions may use."""
    return json_response(call.kestra, _expressions(call).filters())


def functions(call: Call) -> Response:
    """Answer the names of the functions that expressions may use."""
    return json_response(call.kestra, _expressions(call).functions())


def _expressions(call: Call) -> Any:
    return call.kestra.bean("io.kestra.core.runners.pebble.PebbleExpressionService")


def _setting(settings: Any, name: str, default: str) -> str:
    return str(settings.getProperty(name, java("java.lang.String").class_).orElse(default))


def _flag(settings: Any, name: str) -> bool:
    return _setting(settings, name, "false").lower() == "true"


def _list(settings: Any, name: str, default: tuple[str, ...]) -> Any:
    return settings.getProperty(name, java("java.util.List").class_).orElse(to_java(default))


def _environment(settings: Any) -> dict[str, str] | None:
    names = ("name", "color")
    found = {name: _setting(settings, f"kestra.environment.{name}", "") for name in names}
    return {name: value for name, value in found.items() if value} or None


ROUTES = [
    route("/health", health),
    Route(STOP, stop, methods=["POST"]),
    route(f"{API}/configs", configs),
    route(f"{API}/basicAuthValidationErrors", credential_errors),
    route(f"{API}/pebble/filters", filters),
    route(f"{API}/pebble/functions", functions),
    route("usages/all", usages),
]
