"""What the server tells of itself, and of paths that are not there or not served."""

from __future__ import annotations

import httpx
import pytest

from pytest_kestra import Server
from pytest_kestra.engine.api import app, unserved
from tests.engine.replay import Replay, shape

HELP = "A complete Kestra server does: run the official container and give its address with --kestra-server."


@pytest.mark.parametrize("number", ["150", "156", "157", "158"])
def test_recorded_exchanges(replay: Replay, number: str) -> None:
    replay.same(number)


def test_configuration(replay: Replay, http: httpx.Client, kestra_server: Server) -> None:
    recorded = replay.recorded("151")["response"]["body"]
    body = httpx.get(http.base_url.join("/api/v1/configs")).json()

    # Kestra's published jars do not know from which commit they are.
    assert shape(body) == shape({key: recorded[key] for key in recorded if not key.startswith("commit")})
    assert body["version"].startswith("1.3.")
    assert body["edition"] == "OSS"
    # In a container, it is where it answers inside.
    assert body["url"] == ("http://127.0.0.1:8080" if kestra_server.kind == "container" else kestra_server.address.url)


def test_usages(api: httpx.Client) -> None:
    body = api.get("usages/all").json()
    assert {"count", "namespacesCount", "taskTypeCount"} <= set(body["flows"])
    assert len(body["executions"]["dailyExecutionsCount"]) >= 24


def test_expressions(http: httpx.Client) -> None:
    assert {"date", "jq", "toIon"} <= set(http.get("/api/v1/pebble/filters").json())
    assert {"kv", "render", "secret"} <= set(http.get("/api/v1/pebble/functions").json())


def test_nothing_is_wrong_with_the_credentials(http: httpx.Client) -> None:
    assert httpx.get(http.base_url.join("/api/v1/basicAuthValidationErrors")).json() == []


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("GET", "/api/v1/main/dashboards", unserved.DASHBOARDS),
        ("GET", "/api/v1/dashboards/x", unserved.DASHBOARDS),
        ("POST", "/api/v1/plugins/pluginUiManifest", unserved.PAGES),
        ("GET", "/ui/main/flows", unserved.PAGES),
        ("POST", "/api/v1/main/basicAuth", unserved.CREDENTIALS),
        ("GET", "/api/v1/main/blueprints/community/flow", unserved.BLUEPRINTS),
    ],
)
def test_what_is_not_served_names_the_way_out(http: httpx.Client, method: str, path: str, why: str) -> None:
    answer = http.request(method, path)

    assert answer.status_code == 501
    place = f"the embedded engine of pytest-kestra does not serve {method} {path}"
    assert answer.json()["message"] == f"Not Implemented: {place}: {why}. {HELP}"


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/main/apps/search", "/api/v1/apps/search", "/api/v1/users", "/api/v1/other/nothing", "/api/v1/"),
        *("/api/v1/main", "/api/v1/main/blueprints/custom", "/elsewhere"),
    ],
)
def test_what_no_open_source_server_has_is_not_found(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("path", "methods"), [("main/dashboards/x", "[HEAD, DELETE, GET, PUT]"), ("plugins", "[HEAD, GET]")]
)
def test_wrong_method_names_the_right_ones(http: httpx.Client, path: str, methods: str) -> None:
    answer = http.patch(f"/api/v1/{path}")

    assert answer.status_code == 405
    message = f"Method Not Allowed: Method [PATCH] not allowed for URI [/api/v1/{path}]. Allowed methods: {methods}"
    assert answer.json()["message"] == message


def test_error_names_the_path_as_it_was_sent(http: httpx.Client) -> None:
    for path in ("/api/v1/flows/no%20where/nothing", "/api/v1/main/flows/nowhere/nothing?revision=1"):
        assert http.get(path).json()["_links"]["self"]["href"] == path


def test_other_tenant_is_refused_only_where_there_is_a_path(http: httpx.Client) -> None:
    for path in ("flows/search", "dashboards"):
        assert http.get(f"/api/v1/other/{path}").status_code == 400


@pytest.mark.parametrize("line", ["1.3", "2.0"])
def test_no_route_is_both_served_and_not(line: str) -> None:
    served = {(method, route.path) for route in app.routes(line) for method in route.methods or ()}
    assert not [item for item in unserved.routes(line) if (item.method, item.path) in served]


def test_slash_at_the_end_of_a_path_is_not_looked_at(api: httpx.Client) -> None:
    assert api.get("flows/search/").json().keys() == {"results", "total"}
