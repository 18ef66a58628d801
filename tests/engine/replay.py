"""Sending recorded requests again, and comparing the answers' shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import yaml

from tests.conftest import CONTRACTS

NAMESPACE = "contracts"
DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
ID = re.compile(r"[0-9A-Za-z]{20,22}")
PATTERNS = ((DATE, "<date>"), (re.compile(r"-?PT[\dHM.]+S?"), "<duration>"), (ID, "<id>"))


def shape(value: Any) -> Any:
    """Return a value with its texts, numbers and the length of its lists taken out; dates and ids stay told apart."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        unique = {json.dumps(shape(item)): shape(item) for item in value}
        return [unique[key] for key in sorted(unique)]
    if isinstance(value, str):
        return next((name for pattern, name in PATTERNS if pattern.fullmatch(value)), "<text>")
    return type(value).__name__


class Replay:
    """Send recorded requests to another server, in a namespace of its own and for executions of its own."""

    def __init__(self, http: httpx.Client, recorded: Callable[[str], Any], namespace: str) -> None:
        self.http = http
        self.recorded = recorded
        self.namespace = namespace
        self.ids: dict[str, str] = {}

    def deploy(self, *ids: str) -> None:
        """Store flows of the recording."""
        for text in (CONTRACTS / "flows.yml").read_text(encoding="utf-8").split("\n---\n"):
            if yaml.safe_load(text)["id"] in ids:
                content = text.replace(f"namespace: {NAMESPACE}", f"namespace: {self.namespace}")
                headers = {"content-type": "application/x-yaml"}
                self.http.post("/api/v1/main/flows", content=content, headers=headers).raise_for_status()

    def send(self, number: str) -> tuple[dict[str, Any], httpx.Response]:
        """Send a recorded request; return the recorded answer and the one that came now."""
        exchange = self.recorded(number)
        request, expected = exchange["request"], exchange["response"]
        options: dict[str, Any] = {"params": self._here(request["query"])}
        if "multipart" in request:
            options["files"] = [
                (part["name"], (part.get("filename"), self._text(part.get("value", part.get("content")))))
                for part in request["multipart"]
            ]
        elif isinstance(request.get("body"), str):
            options |= {"content": self._text(request["body"]).encode(), "headers": request["headers"]}
        elif "body" in request:
            options["json"] = self._here(request["body"])
        answer = self.http.request(request["method"], self._text(request["path"]), **options)
        body: Any = expected["body"]
        if isinstance(body, dict) and "taskRunList" in body | {"taskRunList": 0} and "id" in body and answer.is_success:
            self._remember(body, answer.json())
        return expected, answer

    def same(self, number: str) -> Any:
        """Send a recorded request; fail unless status, shape and messages are as recorded. Return the body."""
        expected, answer = self.send(number)
        assert answer.status_code == expected["status"], answer.text
        recorded: Any = expected["body"]
        if not isinstance(recorded, (dict, list)):
            return answer.text
        body = answer.json()
        assert shape(body) == shape(recorded)
        if answer.is_error and isinstance(recorded, dict):
            assert self._back(body["message"]) == self._back(recorded["message"])
        return body

    def _remember(self, there: Any, here: Any) -> None:
        self.ids[there["id"]] = here["id"]
        for old, new in zip(there.get("taskRunList") or (), here.get("taskRunList") or (), strict=False):
            self.ids[old["id"]] = new["id"]

    def _here(self, value: Any) -> Any:
        return json.loads(self._text(json.dumps(value)))

    def _text(self, text: str) -> str:
        for there, here in self.ids.items():
            text = text.replace(there, here)
        return re.sub(rf"\b{NAMESPACE}\b", self.namespace, text)

    def _back(self, text: str) -> str:
        text = re.sub(r"(\n\s+at .*|\n\s+\.\.\. \d+ .*)+", "\n\tat <stack>", text)
        # Which properties a task has differs between 1.3.19 and the engine's version.
        text = re.sub(r"\d+ known properties: [^)]*", "known properties", text)
        return text.replace(self.namespace, NAMESPACE)
