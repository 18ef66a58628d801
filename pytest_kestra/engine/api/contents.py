"""Routes whose answer depends on the content type of what is sent."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pytest_kestra.engine.api import problems
from pytest_kestra.engine.api.calls import Answer, content_type, route


def by_content(path: str, answers: dict[str, Answer], method: str, *, body_name: str, refuse: bool = True) -> Route:
    """Make a route of a function for each content type.

    Another type is answered with 415, or, where it need not be refused, as the first one without a body.
    """
    routes = {kind: route(path, answer, method, consumes=kind, body_name=body_name) for kind, answer in answers.items()}

    async def handle(request: Request) -> Response:
        kind = content_type(request)
        if kind and kind not in routes:
            raise problems.unsupported(kind, ", ".join(routes)) if refuse else problems.missing(body_name, "Body")
        chosen = routes.get(kind) or next(iter(routes.values()))
        answer: Response = await chosen.endpoint(request)
        return answer

    return Route(next(iter(routes.values())).path, handle, methods=[method])
