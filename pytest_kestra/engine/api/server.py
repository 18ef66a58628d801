"""The endpoints about the server itself."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pytest_kestra.engine.api.calls import API, Call, json_response, route
from pytest_kestra.engine.jvm import to_java

# Not Kestra's: how the one who started the engine ends it.
STOP = "/pytest-kestra/stop"


async def stop(request: Request) -> Response:
    """End the engine after this answer."""
    return Response(status_code=202, background=BackgroundTask(request.app.state.stop))


async def health(_: Request) -> Response:
    """Answer that the server is up; it listens only while it is."""
    details = {"service": {"name": "kestra", "status": "UP"}}
    return JSONResponse({"name": "kestra", "status": "UP", "details": details})


def configs(call: Call) -> Response:
    """Answer the version and the settings that a client may want to know."""
    instance = call.kestra.bean("io.kestra.core.services.InstanceService")
    return json_response(
        call.kestra,
        to_java(
            {
                "uuid": instance.fetch(),
                "version": call.kestra.version,
                "edition": "OSS",
                "commitId": None,
                "commitDate": None,
                "chartDefaultDuration": "PT24H",
                "isCustomDashboardsEnabled": False,
                "isAnonymousUsageEnabled": False,
                "isUiAnonymousUsageEnabled": False,
                "isTemplateEnabled": False,
                "url": call.url,
                "preview": {"initial": 100, "max": 5000},
                "systemNamespace": "system",
                "hiddenLabelsPrefixes": ["system.", "internal."],
                "isAiEnabled": False,
                "isAiApiKeyConfigured": False,
                "isBasicAuthInitialized": True,
                "isConcurrencyViewEnabled": True,
            }
        ),
    )


ROUTES = [
    Route("/health", health),
    Route(STOP, stop, methods=["POST"]),
    route(f"{API}/configs", configs),
]
