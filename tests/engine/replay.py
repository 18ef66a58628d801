"""Sending recorded requests again, and comparing the answers' shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import yaml

from tests.conftest import CONTRACTS

NAMESPACE = "contracts"
DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
# Kestra's are numbers of 128 bits to the base of 62, without leading zeros.
ID = re.compile(r"[0-9A-Za-z]{17,22}")
# Names of states, levels and types: they must be the same, other texts need not.
CONSTANT = re.compile(r"[A-Z][A-Z_]{2,}")
PATTERNS = ((DATE, "<date>"), (re.compile(r"-?PT[\dHM.]+S?"), "<duration>"), (ID, "<id>"))
YAML = {"content-type": "application/x-yaml"}
# Headers that were sent, of which the recording keeps nothing.
UNRECORDED = {"132": {"ttl": "PT1H", "description": "with a time to live"}}


def shape(value: Any) -> Any:
    """Return a value with its texts, numbers and the length of its lists taken out; dates and ids stay told apart."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        unique = {json.dumps(shape(item)): shape(item) for item in value}
        return [unique[key] for key in sorted(unique)]
    if isinstance(value, str):
        if CONSTANT.fullmatch(value):
            return value
        return next((name for pattern, name in PATTERNS if pattern.fullmatch(value)), "<text>")
    return type(value).__name__


def differences(recorded: Any, here: Any, path: str = "$") -> Iterator[str]:
    """Yield where two shapes differ, one line for each place."""
    if isinstance(recorded, dict) and isinstance(here, dict):
        for key in sorted({*recorded, *here}):
            place = f"{path}.{key}"
            if key not in here:
                yield f"{place} is missing"
            elif key not in recorded:
                yield f"{place} was not recorded"
            else:
                yield from differences(recorded[key], here[key], place)
    elif isinstance(recorded, list) and isinstance(here, list):
        gone = [item for item in recorded if item not in here]
        new = [item for item in here if item not in recorded]
        for there, item in zip(gone, new, strict=False):
            yield from differences(there, item, f"{path}[]")
        yield from (f"{path}[] lacks {json.dumps(item)}" for item in gone[len(new) :])
        yield from (f"{path}[] has also {json.dumps(item)}" for item in new[len(gone) :])
    elif recorded != here:
        yield f"{path} is {json.dumps(here)}, recorded {json.dumps(recorded)}"


class Replay:
    """Send recorded requests to another server, in a namespace of its own and for executions of its own."""

    def __init__(self, http: httpx.Client, recorded: Callable[[str], Any], namespace: str) -> None:
        self.http = http
        self.recorded = recorded
        self.namespace = namespace
        self.ids: dict[str, str] = {}

    def deploy(self, *ids: str, replace: tuple[str, str] = ("", "")) -> None:
        """Store flows of the recording; `replace` is a pattern and what stands in its place."""
        for text in (CONTRACTS / "flows.yml").read_text(encoding="utf-8").split("\n---\n"):
            if yaml.safe_load(text)["id"] in ids:
                content = re.sub(*replace, text) if any(replace) else text
                content = content.replace(f"namespace: {NAMESPACE}", f"namespace: {self.namespace}")
                self.http.post("/api/v1/main/flows", content=content, headers=YAML).raise_for_status()

    def send(self, number: str, *, anonymous: bool = False) -> tuple[dict[str, Any], httpx.Response]:
        """Send a recorded request; return the recorded answer and the one that came now."""
        exchange = self.recorded(number)
        request, expected = exchange["request"], exchange["response"]
        headers = {name: value for name, value in request["headers"].items() if value != "multipart/form-data"}
        headers |= UNRECORDED.get(number, {})
        options: dict[str, Any] = {"auth": None} if anonymous else {}
        options |= {"params": self._here(request["query"]), "headers": headers}
        if "multipart" in request:
            options["files"] = [
                (part["name"], (part.get("filename"), self.text(part.get("value", part.get("content")))))
                for part in request["multipart"]
            ]
        elif isinstance(request.get("body"), str):
            options["content"] = self.text(request["body"]).encode()
        elif "body" in request:
            del headers["content-type"]  # httpx writes it itself, as it did for the recorder
            options["json"] = self._here(request["body"])
        answer = self.http.request(request["method"], self.text(request["path"]), **options)
        if answer.is_success and answer.headers.get("content-type", "").startswith("application/json"):
            self._remember(expected["body"], answer.json())
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
            assert self.back(body["message"]) == self.back(recorded["message"])
        return body

    def alias(self, number: str, here: str) -> None:
        """Let the execution that a recorded request's path names be another one."""
        path = self.recorded(number)["request"]["path"]
        there = next(part for part in path.split("/") if ID.fullmatch(part))
        self.ids[there] = here

    def back(self, text: str) -> str:
        """Return a message as it was recorded: without stack frames, and with the recording's names."""
        text = re.sub(r"(\n\s+at .*|\n\s+\.\.\. \d+ .*)+", "\n\tat <stack>", text)
        # Which properties a task has differs between 1.3.19 and the engine's version.
        text = re.sub(r"\d+ known properties: [^)]*", "known properties", text)
        for there, here in self.ids.items():
            text = text.replace(here, there)
        return text.replace(self.namespace, NAMESPACE)

    def _remember(self, there: Any, here: Any) -> None:
        """Learn which id here stands for which of the recording, from two answers to the same request."""
        if isinstance(there, dict) and isinstance(here, dict):
            for key in filter(here.__contains__, there):  # in their order, which that of a set is not
                self._remember(there[key], here[key])
        elif isinstance(there, list) and isinstance(here, list):
            for pair in zip(there, here, strict=False):
                self._remember(*pair)
        elif isinstance(there, str) and isinstance(here, str) and _kind(there) == _kind(here) != "":
            self.ids[there] = here

    def _here(self, value: Any) -> Any:
        return json.loads(self.text(json.dumps(value)))

    def text(self, text: str) -> str:
        """Return a text of the recording with the names that its things have here."""
        # Longer ones first: a URI has ids in it.
        for there in sorted(self.ids, key=len, reverse=True):
            text = text.replace(there, self.ids[there])
        return re.sub(rf"\b{NAMESPACE}\b", self.namespace, text)


def _kind(text: str) -> str:
    """Return what a text is that is another one in every run; nothing for those that stay."""
    return "id" if ID.fullmatch(text) else "file" if text.startswith("kestra:") else ""
