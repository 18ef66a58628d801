"""The types of triggers, and single icons."""

from __future__ import annotations

import base64
from typing import Any

import httpx

PLUGINS = "/api/v1/plugins"
LOG = "io.kestra.plugin.core.log.Log"
FOREVER = "public, max-age=31536000, immutable"


def icon(http: httpx.Client, name: str) -> Any:
    """Return the icon of a class or group."""
    return http.get(f"{PLUGINS}/icons/{name}").raise_for_status().json()


def test_one_icon_is_that_of_the_list(http: httpx.Client) -> None:
    every, groups = (http.get(f"{PLUGINS}/icons{path}").json() for path in ("", "/groups"))

    assert icon(http, LOG) == {"icon": every[LOG]}
    assert icon(http, "io.kestra.plugin.core.log") == {"icon": groups["io.kestra.plugin.core.log"]}
    assert not icon(http, "no.Such").get("icon")
    assert len(every[LOG]["hash"]) == 32
    assert {item["monochrome"] for item in every.values()} == {
        b"currentColor" in base64.b64decode(item["icon"]) for item in every.values()
    }


def test_icon_is_an_image(http: httpx.Client) -> None:
    answer = http.get(f"{PLUGINS}/icons/{LOG}/icon.svg")

    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/svg+xml", FOREVER)
    assert answer.content == base64.b64decode(icon(http, LOG)["icon"]["icon"])
    assert http.get(f"{PLUGINS}/icons/no.Such/icon.svg").status_code == 404


def test_triggers_are_told(http: httpx.Client) -> None:
    body = http.get(f"{PLUGINS}/triggers").json()
    core = [item for item in body["results"] if item["group"] == "core"]
    (schedule,) = [item for item in core if item["name"] == "Schedule"]

    assert body["total"] == len(body["results"])
    assert [item["name"].lower() for item in core] == sorted(item["name"].lower() for item in core)
    assert (schedule["type"], schedule["ee"]) == ("io.kestra.plugin.core.trigger.Schedule", False)
    assert schedule["icon"] == schedule["type"]
    assert "deprecated" not in schedule
