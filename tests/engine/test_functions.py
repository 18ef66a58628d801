"""H2Functions computes of stored JSON what Kestra's own class does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.engine.install import Installation
from tests.engine.launched import installed

READERS = ("jqString", "jqBoolean", "jqLong", "jqInteger", "jqDouble", "jqStringArray")
EXECUTION = json.dumps(
    {
        "id": "5xYz",
        "deleted": False,
        "running": 3,
        "tenantId": None,
        "state": {"current": "RUNNING", "startDate": "2026-01-01T00:00:00.123456Z", "duration": 1.25},
        "labels": [{"key": "team", "value": "a"}, {"key": "größe", "value": "😀 \u0000 \u2028"}],
        "size": 9223372036854775807,
        "more": 123456789012345678901234567890,
        "words": ["a", 1, None, True, {"b": 2}, [3]],
        "yes": "true",
        "digits": " 42 ",
        "empty": {},
        "none": [],
    }
)
TEXTS = [
    EXECUTION,
    json.dumps(json.loads(EXECUTION), ensure_ascii=False),
    "null",
    "true",
    "17",
    "-0.0",
    "1e400",
    '"text"',
    '[1, "b", null]',
    "{}",
    "",
    " ",
    '{"id": 1, "id": 2}',
    '{"id": "a"} and more',
    "{'id': 'a'}",
    '{"id": NaN}',
    '{"id":',
    "[1, 2",
    "no JSON",
    None,
]
EXPRESSIONS = [
    ".",
    ".id",
    ".deleted",
    ".running",
    ".tenantId",
    ".missing",
    ".missing.deeper",
    ".state",
    ".state.current",
    ".state.startDate",
    ".state.duration",
    ".state.current.deeper",
    ".size",
    ".more",
    ".words",
    ".words[]",
    ".words[4].b",
    ".words | length",
    ".yes",
    ".digits",
    ".empty",
    ".none[]",
    ".labels[].key",
    "[.labels[] | .value]",
    '.labels[] | select(.key == "größe") | .value',
    '[.labels[]? | select(.key == "team") | .value]',
    "empty",
    "def id2: .id; id2",
    # What seems to change the tree that is remembered, and then the tree as a whole.
    "del(.id)",
    '.state.current = "KILLED" | .state.current',
    ".words |= reverse",
    ".words | sort",
    'with_entries(.value = "x")',
    "to_entries | map(.key)",
    "[tostring]",
    # Wrong ones.
    "",
    ".[",
    "nothing(.id)",
    '.id | error("no")',
    "1 / 0",
    None,
]


@pytest.fixture(scope="module", params=["1.3", "2.0"])
def installation(request: pytest.FixtureRequest) -> Installation:
    """Return the engine of each line: all have the same class."""
    return installed(str(request.param))


@pytest.fixture(scope="module")
def questions() -> list[tuple[str, list[str | None]]]:
    """Return every function with every text and expression; texts repeat, come anew and come back."""
    asked: list[tuple[str, list[str | None]]] = [
        (reader, [text, expression]) for text in TEXTS for expression in EXPRESSIONS for reader in READERS
    ]
    asked += [("jqString", [text, expression]) for expression in EXPRESSIONS for text in TEXTS]
    # More expressions than are kept, and then the first ones.
    asked += [("jqString", [EXECUTION, f".words[{number % 3}] // .a{number}"]) for number in range(1200)]
    asked += [("jqString", [EXECUTION, expression]) for expression in EXPRESSIONS]
    letters = "".join(map(chr, range(0x250))) + "\u2028😀"
    asked += [("escapeJqString", [text]) for text in (None, "", 'a"b\\c', letters)]
    return asked


@pytest.fixture(scope="module")
def told(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, questions: list[tuple[str, list[str | None]]]
) -> dict[str, dict[str, Any]]:
    """Return what both classes answer, asked in a process of their own."""
    orders = {
        "library": str(installation.jvm),
        "jars": [str(jar) for jar in installation.jars],
        "engine_jar": str(installation.engine_jar),
        "folder": str(tmp_path_factory.mktemp("functions")),
        "questions": questions,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.functions"],
        input=json.dumps(orders),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    told: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return told


def test_each_comes_from_its_own_jar(told: dict[str, dict[str, Any]], installation: Installation) -> None:
    assert told["own"]["jar"] == installation.engine_jar.name
    assert told["kestra"]["jar"].startswith("jdbc-h2-")


def test_functions_are_the_same(told: dict[str, dict[str, Any]]) -> None:
    assert told["own"]["methods"] == told["kestra"]["methods"]
    assert len(told["own"]["methods"]) == len(READERS) + 1


def test_values_and_exceptions_are_the_same(
    told: dict[str, dict[str, Any]], questions: list[tuple[str, list[str | None]]], installation: Installation
) -> None:
    pairs = zip(questions, told["kestra"]["answers"], told["own"]["answers"], strict=True)

    others = [(question, kestra, own) for question, kestra, own in pairs if kestra != own]
    # What no column has: a cache of 2.0 refuses it before the compiler can.
    without = [pair for pair in others if pair[0][1][-1] is None and "raised" in pair[1] and "raised" in pair[2]]
    allowed = without if installation.version.startswith("2.") else []
    assert [pair for pair in others if pair not in allowed] == []


def test_questions_have_answers_of_all_kinds(told: dict[str, dict[str, Any]]) -> None:
    answers = told["kestra"]["answers"]

    raised = {answer["raised"].rpartition(".")[2] for answer in answers if answer and "raised" in answer}
    assert {"JsonParseException", "JsonEOFException", "JsonQueryException", "IllegalArgumentException"} <= raised
    assert None in answers
    assert {answer["type"] for answer in answers if answer and "type" in answer} >= {"String[]"}
    assert len({json.dumps(answer) for answer in answers}) > 150
