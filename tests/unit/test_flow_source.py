from __future__ import annotations

import pytest

from pytest_kestra.errors import FlowError
from pytest_kestra.flows.source import FlowSource

FLOW = """\
id: hello
namespace: company.team
inputs:
  - id: name
    type: STRING
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: hi
  - id: branch
    type: io.kestra.plugin.core.flow.If
    then:
      - id: inner
        type: io.kestra.plugin.core.log.Log
"""


def source(text: str = FLOW) -> FlowSource:
    return FlowSource(text, "flows/hello.yaml")


def test_reads_id_and_namespace() -> None:
    assert source().key == ("company.team", "hello")
    assert source().keys == ["id", "namespace", "inputs", "tasks"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: x\n namespace: [", "flows/hello.yaml:2: this is not YAML: mapping values are not allowed here."),
        ("id: [", "flows/hello.yaml:1: this is not YAML: expected the node content, but found '<stream end>'."),
        (
            "id: \x00",
            "flows/hello.yaml: this is not YAML: unacceptable character #x0000: special characters are not allowed.",
        ),
        ("", "flows/hello.yaml:1: a flow is a YAML mapping with `id`, `namespace` and `tasks`; this is none."),
        ("- id: x", "flows/hello.yaml:1: a flow is a YAML mapping with `id`, `namespace` and `tasks`; this is none."),
        ("id: x\n---\nid: y\n", "flows/hello.yaml:3: a second YAML document begins; write one flow into one file."),
        ("namespace: a", "flows/hello.yaml:1: the flow has no `id`."),
        ("namespace: a\nid: [x]", "flows/hello.yaml:2: the `id` of a flow is a text."),
        ("namespace: a\nid:", "flows/hello.yaml:2: the `id` of a flow is a text."),
    ],
)
def test_says_what_is_no_flow_and_where(text: str, message: str) -> None:
    with pytest.raises(FlowError) as raised:
        _ = source(text).id

    assert str(raised.value) == message


@pytest.mark.parametrize(
    "text", ["id: f\t\nnamespace: a.b", "id: f\t# it\nnamespace: a.b\t", "id\t: f\nnamespace: a.b"]
)
def test_tab_after_a_text_without_quotes_is_none(text: str) -> None:
    assert source(text).key == ("a.b", "f")


def test_tab_in_a_text_without_quotes_is_part_of_it() -> None:
    assert source("id: a\tb \n  c").id == "a\tb c"


@pytest.mark.parametrize("text", ["id:\tf", "id: 'f'\t", "\tid: f", "id:\n\t- f", "id: a\n \t b"])
def test_other_tabs_are_refused_as_by_kestra(text: str) -> None:
    with pytest.raises(FlowError, match=r"^flows/hello.yaml:\d: this is not YAML: "):
        _ = source(text).root


@pytest.mark.parametrize("text", ["id: f\ninputs: &i\n  - {id: a, inputs: *i}", "id: f\nx: 1\nlabels: &l {a: *l}"])
def test_anchor_that_stands_for_what_contains_it(text: str) -> None:
    with pytest.raises(FlowError, match=r"^flows/hello.yaml:[23]: an anchor stands for what contains it\.$"):
        _ = source(text).root


def test_anchor_may_stand_for_the_same_twice() -> None:
    assert source("id: f\na: &a [x]\nb: [*a, *a]").id == "f"


def test_scalars_come_in_the_order_of_the_text_and_aliases_once() -> None:
    text = "id: &it x\nother: *it\nlist: [a, b]\n"

    assert [node.value for node in source(text).scalars()] == ["id", "x", "other", "list", "a", "b"]


def test_values_come_with_their_keys() -> None:
    text = "id: &it x\nother: *it\nskipped:\n  id: y\nlist: [a, {b: c}]\n"

    values = [(key, node.value) for key, node in source(text).values(skip={"skipped"})]
    assert values == [("id", "x"), ("list", "a"), ("b", "c")]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tasks[0].message", 9),
        ("tasks[1].then[0].type", 14),
        ('io.kestra.core.models.flows.FlowWithSource["tasks"]->java.util.ArrayList[0]', 7),
        ("tasks[7].message", 7),
        ("tasks[branch].then", 13),
        ("tasks[inner].tasks[inner].message", 13),
        ("tasks[other].message", 7),
        ("nothing", None),
    ],
)
def test_finds_the_line_of_a_path_as_far_as_it_goes(path: str, line: int | None) -> None:
    assert source().line_at(path) == line


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Invalid entity: Invalid type: io.kestra.plugin.core.log.Log",
            "flows/hello.yaml:8: Kestra does not know the type io.kestra.plugin.core.log.Log. Check its spelling, or "
            "name the plugin that has it in the fixture kestra_plugins.",
        ),
        (
            'Unrecognized field "message" (class io.X), not marked as ignorable (2 known properties: "level", "text")',
            "flows/hello.yaml:9: io.X has no property 'message'. It has: level, text.",
        ),
        ("Validation error: inner.message: must not be null\n", "flows/hello.yaml:13: inner.message: must not be null"),
        ("Illegal flow id update", "flows/hello.yaml:1: Illegal flow id update"),
        ("Illegal flow namespace update", "flows/hello.yaml:2: Illegal flow namespace update"),
        ("Something else", "flows/hello.yaml: Something else"),
        ("first: is wrong\nsecond: is wrong", "flows/hello.yaml: first: is wrong; second: is wrong"),
    ],
)
def test_what_kestra_says_gets_a_line_and_a_remedy(message: str, expected: str) -> None:
    assert str(source().refused(message)) == expected


def test_what_only_kestra_2_0_refuses_has_its_remedy() -> None:
    told = str(source().refused("Invalid type: io.kestra.plugin.core.flow.ForEach", by_two=True))

    assert "since Kestra 2.0: use io.kestra.plugin.core.flow.Loop" in told
    assert "spelling" not in told


def test_where_kestra_names_a_path_its_line_is_used() -> None:
    assert str(source().refused("must not be null", "tasks[1].then[0]")).startswith("flows/hello.yaml:13: ")


def test_line_of_a_task_is_not_that_of_what_has_the_same_id() -> None:
    text = """\
id: total
namespace: a.b
inputs:
  - {id: total, type: INT}
triggers:
  - {id: total, type: a.b.Schedule}
tasks:
  - id: each
    type: a.b.ForEach
    tasks: &tasks
      - id: total
        type: a.b.Log
  - {id: again, type: a.b.ForEach, tasks: *tasks}
"""

    assert FlowSource(text).line_of_task("total") == 11
    assert FlowSource(text).line_of_task("again") == 13
    assert FlowSource(text).line_of_task("none") is None
