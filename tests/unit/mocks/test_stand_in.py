from __future__ import annotations

from typing import Any

import pytest
import yaml

from pytest_kestra.errors import MockError
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.mocks.stand_in import KEPT, TYPE, edited, is_runnable, original

HEAD = "id: f\nnamespace: a.b\ntasks:\n"
MOCK = {"id": "m", "answers": [{}]}


def replaced(text: str, *ids: str, mock: dict[str, Any] | None = None) -> FlowSource:
    source = FlowSource(HEAD + text, "f.yaml")
    outline = Outline(source)
    chosen = {id(task.node): [mock or MOCK] for task in outline.tasks if task.id in ids}
    assert len(chosen) == len(ids)
    return edited(source, chosen, outline)


def tasks(source: FlowSource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(source.text)["tasks"]
    return found


def test_all_that_kestra_does_around_a_task_stays_and_the_rest_is_mocked() -> None:
    (task,) = tasks(
        replaced(
            "  - id: a\n    type: io.x.Y\n    uri: 'it''s {{ x }}'\n    retry: {type: constant, maxAttempts: 2}\n"
            '    runIf: "{{ 1 }}"\n    timeout: PT1S\n    taskCache: {enabled: true}\n    method: PUT\n',
            "a",
        )
    )

    assert task == {
        "id": "a",
        "type": TYPE,
        "retry": {"type": "constant", "maxAttempts": 2},
        "runIf": "{{ 1 }}",
        "timeout": "PT1S",
        "mocked": {"type": "io.x.Y", "uri": "it's {{ x }}", "method": "PUT"},
        "mocks": [MOCK],
    }


@pytest.mark.parametrize(
    "text",
    [
        "  - id: a\n    type: io.x.Y\n    text: |\n      one\n\n      two\n\n    # said\n  - {id: b, type: io.x.Z}\n",
        "  - id: a\n    type: io.x.Y\n    text: >-\n      one\n      two\n  # said\n\n  - id: b\n    type: io.x.Z\n",
        "  - id: a\n    type: io.x.Y\n    list:\n      - 1\n      - two\n  - id: b\n    type: io.x.Z\n",
        "  - id: a\n    type: io.x.Y\n    empty:\n  - id: b\n    type: io.x.Z\n",
        "  - {id: a,\n     type: io.x.Y,\n     list: [1,\n  2]}\n  - id: b\n    type: io.x.Z\n",
        '  - id: a\n    type: io.x.Y\n    text: "one\n      two"\n  - id: b\n    type: io.x.Z\n',
    ],
)
def test_other_lines_stay_where_they_are(text: str) -> None:
    before, after = FlowSource(HEAD + text), replaced(text, "a")

    assert after.line_of_task("b") == before.line_of_task("b")
    assert after.text.count("\n") == before.text.count("\n")
    assert after.text.splitlines()[-1] == before.text.splitlines()[-1]
    first, second = tasks(after)
    (was, _) = yaml.safe_load(before.text)["tasks"]
    assert second == {"id": "b", "type": "io.x.Z"}
    assert {**first["mocked"], "id": first["id"]} == was


def test_last_task_without_a_line_break() -> None:
    (task,) = tasks(replaced("  - id: a\n    type: io.x.Y\n    text: end", "a"))

    assert task["mocked"] == {"type": "io.x.Y", "text": "end"}


def test_values_are_read_as_before() -> None:
    """What YAML 1.1 takes for a date or a truth is for Kestra to decide."""
    lines = "date: 2024-01-01", "octal: 0o7", "number: 1.50", "none: ~", "truth: yes", "text: '12'", "tagged: !!str 12"
    text = replaced("  - id: a\n    type: io.x.Y\n    " + "\n    ".join(lines) + "\n", "a").text

    for part in ('"date": "2024-01-01"', '"octal": "0o7"', '"number": 1.50', '"none": ~', '"truth": yes'):
        assert part in text
    assert '"text": "12", "tagged": "12"' in text


@pytest.mark.parametrize("text", ["😀 é", "a\u2028b\u0085c", 'tab\tand "quotes" and \\'])
def test_texts_survive(text: str) -> None:
    written = yaml.safe_dump({"id": "a", "type": "io.x.Y", "text": text}, width=10**6, allow_unicode=False)
    body = "  - " + written.replace("\n", "\n    ").rstrip() + "\n"

    (task,) = tasks(replaced(body, "a", mock={"id": "m", "answers": [{"outputs": {"text": text}}]}))

    assert task["mocked"]["text"] == text
    assert task["mocks"][0]["answers"][0]["outputs"]["text"] == text


NESTED = """  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - id: inner
        type: io.x.Y
        taskRunner: {type: io.x.Runner}
    errors:
      - id: oops
        type: io.x.Y
  - id: last
    type: io.x.Y
"""


def test_a_task_with_others_is_mocked_without_them() -> None:
    first, last = tasks(replaced(NESTED, "each", "inner"))

    assert first["mocked"] == {"type": "io.kestra.plugin.core.flow.ForEach", "values": [1, 2]}
    assert last == {"id": "last", "type": "io.x.Y"}


def test_a_task_in_another_one_is_mocked_there() -> None:
    (inner,) = tasks(replaced(NESTED, "inner"))[0]["tasks"]

    assert inner["mocked"] == {"type": "io.x.Y", "taskRunner": {"type": "io.x.Runner"}}


def test_a_mock_of_one_iteration_keeps_the_task_for_others() -> None:
    only_one = {"id": "m", "value": "1", "answers": [{}]}
    (inner,) = tasks(replaced(NESTED, "inner", mock=only_one))[0]["tasks"]

    assert inner["original"] == {"id": "inner", "type": "io.x.Y", "taskRunner": {"type": "io.x.Runner"}}
    # One that holds others cannot be run by the stand-in.
    assert "original" not in tasks(replaced(NESTED, "each", mock=only_one))[0]


def test_what_only_the_task_itself_renders_is_apart() -> None:
    text = "  - {id: a, type: io.kestra.plugin.core.flow.Subflow, flowId: f, outputs: {x: '{{ y }}'}}\n"
    (task,) = tasks(replaced(text, "a"))

    assert task["mocked"] == {"type": "io.kestra.plugin.core.flow.Subflow", "flowId": "f"}
    assert task["late"] == {"outputs": {"x": "{{ y }}"}}
    assert original(task) == {"id": "a", **task["mocked"], **task["late"]}


@pytest.mark.parametrize("options", ["*o", "\n      - *o"])
def test_an_alias_is_what_it_stands_for(options: str) -> None:
    text = "  - id: a\n    type: io.x.Y\n    options: &o {x: 1}\n  - id: b\n    type: io.x.Y\n"
    text += f"    options: {options}\n"
    text += "  # and\n  - id: c\n    type: io.x.Y\n"

    _, task, other = tasks(replaced(text, "b"))

    assert task["mocked"] == {"type": "io.x.Y", "options": {"x": 1} if options == "*o" else [{"x": 1}]}
    assert other == {"id": "c", "type": "io.x.Y"}


def test_anchor_that_others_need() -> None:
    text = "  - id: a\n    type: io.x.Y\n    options: &o {x: 1}\n  - id: b\n    type: io.x.Y\n    options: *o\n"

    with pytest.raises(MockError) as raised:
        replaced(text, "a")

    assert str(raised.value).startswith("f.yaml:4: a cannot be mocked: the text around it needs it as it is written (")
    assert str(raised.value).endswith("Write the task without an anchor that is used elsewhere.")


def test_what_runs_itself() -> None:
    found = {task.id: is_runnable(task) for task in Outline(FlowSource(HEAD + NESTED)).tasks}

    assert found == {"each": False, "inner": True, "oops": True, "last": True}


def test_definition_is_told_as_the_flow_has_it() -> None:
    text = "  - id: a\n    type: io.x.Y\n    uri: x\n    timeout: PT1S\n"
    (task,) = tasks(replaced(text, "a"))

    assert original(task) == yaml.safe_load(HEAD + text)["tasks"][0]
    assert original({"id": "a", "type": "io.x.Y"}) == {"id": "a", "type": "io.x.Y"}


def test_id_is_kept() -> None:
    assert "id" in KEPT
