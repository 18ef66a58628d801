from __future__ import annotations

import re

import pytest

from pytest_kestra.checks import expressions
from pytest_kestra.checks.pebble import Use
from pytest_kestra.checks.vocabulary import Vocabulary
from pytest_kestra.flows.outline import Outline
from pytest_kestra.flows.source import FlowSource

LOG = "io.kestra.plugin.core.log.Log"
FLOW = """\
id: f
namespace: a.b
inputs:
  - {id: user, type: STRING}
  - {id: two-words, type: STRING}
  - {id: nested.key, type: STRING}
  - {id: form, type: FORM, inputs: [{id: city, type: STRING}]}
variables: {greeting: hi}
tasks:
  - {id: load, type: io.kestra.plugin.core.debug.Return, format: x}
  - {id: ship-it, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "TEXT"
  - {id: last, type: io.kestra.plugin.core.debug.Return, format: x}
"""


KESTRA = Vocabulary({"filter": frozenset({"upper", "default", "json"}), "function": frozenset({"now", "secret"})})


def found(text: str) -> list[str]:
    return [str(finding) for finding in expressions.findings(Outline(FlowSource(text, "f.yaml")), KESTRA)]


def of_message(message: str) -> list[str]:
    return [finding.removeprefix("f.yaml:14: ") for finding in found(FLOW.replace("TEXT", message))]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "{{ inputs.usr }}",
            "error: `inputs.usr`: there is no input 'usr'; did you mean 'user'? It has: user, two-words, nested, form.",
        ),
        ("{{ inputs['usr'] }}", "error: `inputs['usr']`: there is no input 'usr'; did you mean 'user'?"),
        ("{{ inputs.two-words }}", "error: `inputs.two-words`: a dash means minus here; write `inputs['two-words']`."),
        ("{{ inputs.nested.kye }}", "error: `inputs.nested.kye`: there is no input 'kye'; did you mean 'key'?"),
        ("{{ inputs.form.town }}", "error: `inputs.form.town`: there is no input 'town'. It has: city."),
        ("{{ outputs.lod.value }}", "error: `outputs.lod`: there is no task 'lod'; did you mean 'load'? It has: load,"),
        ("{{ tasks.lod.state }}", "error: `tasks.lod`: there is no task 'lod'; did you mean 'load'?"),
        (
            "{{ outputs.ship-it.value }}",
            "error: `outputs.ship-it`: a dash means minus here; write `outputs['ship-it']`.",
        ),
        ("{{ vars.greting }}", "error: `vars.greting`: there is no variable 'greting'; did you mean 'greeting'?"),
        ("{{ vars.greting ?? 'x' }}", "warning: `vars.greting`: there is no variable 'greting'"),
        ("{{ outputs.last.value }}", "warning: `outputs.last` is used before the task 'last' (line 15) runs."),
        ("{{ trigger.date }}", "warning: `trigger.date`: the flow has no triggers, so that nothing sets it."),
        (
            "{{ execution.startdate }}",
            "warning: `execution.startdate`: execution has no 'startdate'; did you mean 'startDate'? It has: id,",
        ),
        ("{{ taskrun['vale'] }}", "warning: `taskrun.vale`: taskrun has no 'vale'; did you mean 'value'?"),
        ("{{ flow.name }}", "warning: `flow.name`: flow has no 'name'"),
        ("{{ inputs.user", "error: Kestra cannot read this expression: `{{` is not closed by `}}`."),
    ],
)
def test_tells_what_is_wrong(message: str, expected: str) -> None:
    (finding,) = of_message(message)

    assert finding.startswith(expected)


@pytest.mark.parametrize(
    "message",
    [
        "{{ inputs.user }} {{ inputs['two-words'] }} {{ inputs.nested.key.deep }} {{ inputs.form.city }}",
        "{{ outputs.load.nothing }} {{ outputs['ship-it'] }} {{ outputs.log }} {{ outputs.last.value ?? '' }}",
        "{{ vars.greeting }} {{ trigger.date ?? '' }} {{ trigger.executionId }} {{ flow.x ?? '' }} {{ taskrun.items }}",
        "{{ envs.x }} {{ globals.x }} {{ labels.x }} {{ execution.outputs.x }} {{ parent.outputs.x }}",
        "{{ inputs.user - vars.greeting }} {{ inputs.user-1 }} {{ execution.endDate }}",
    ],
)
def test_says_nothing_of_what_is_right(message: str) -> None:
    assert of_message(message) == []


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain text\n      {{ inputs.x }}", 6),
        ("|\n      one\n\n      {{ inputs.x }}", 8),
        ("|-  # {{ inputs.y }}\n      {{ inputs.x }}", 6),
        (">\n      one\n      two {{\n      inputs.x }}", 8),
        ("'it''s {{ inputs[''x''] }}'", 5),
        ("'one\n\n      {{ inputs.x }}'", 7),
        ('"\\"one\\"\\n\\\n      two\\x41\\u0041 {{ inputs[\\"x\\"] }}"', 6),
        ("&anchor !!str\n      '{{ inputs.x }}'", 6),
        ("[a,\n      '{{ inputs.x }}']", 6),
        ("{a: b,\n      '{{ inputs.x }}': c}", 6),
    ],
)
def test_lines_are_those_of_the_text(value: str, line: int) -> None:
    text = f"id: f\nnamespace: a.b\ntasks:\n  - id: t\n    message: {value}\n    type: {LOG}\n"

    (finding,) = found(text)
    assert finding.startswith(f"f.yaml:{line}: error: `inputs")
    assert finding.endswith("the flow has no inputs.")


def flow(text: str) -> str:
    """Return a flow in which `<a: TEXT>` is a task that logs a text, and `<a>` one that logs none."""
    tasks = re.sub(r"<(\w+)(?:: (.*?))?>", lambda task: f"{{id: {task[1]}, type: {LOG}, message: '{task[2]}'}}", text)
    return f"id: f\nnamespace: a.b\n{tasks}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tasks: [<t>]\nerrors: [<e: {{ outputs.t }} {{ outputs.x }}>]", "outputs.x"),
        ("errors: [<t>]\ntasks: [<a: {{ outputs.t }}>]", "outputs.t` is used before the task 't'"),
        ("finally: [<t>]\nerrors: [<a: {{ outputs.t }}>]", "outputs.t` is used before the task 't'"),
        ("tasks: [<t>]\noutputs: [{id: o, value: '{{ outputs.x }}'}]", "outputs.x"),
        ("tasks: [<t>]\nvariables: {a: '{{ inputs.x }}'}", "inputs.x"),
        ("tasks: [<t>]\nvariables: {a: '{{.Names}}'}", "warning: Kestra cannot read this expression"),
        ("tasks: [<t>]\npluginDefaults: [{type: a.Log, values: {level: '{{ vars.x }}'}}]", "vars.x"),
        ("tasks: [<t>]\ninputs: [{id: a, type: STRING, defaults: '{{ inputs.b }}'}]", "inputs.b"),
        (
            "tasks: [<t>]\ntriggers: [{id: s, type: a.Schedule, inputs: {a: '{{ inputs.x }} {{ outputs.y }}'}}]",
            "inputs.x",
        ),
        (
            "tasks: [{id: s, type: io.kestra.plugin.core.flow.Sequential, tasks: [<a: {{ outputs.t }}>, <t>]}]",
            "outputs.t` is used before",
        ),
    ],
)
def test_looks_everywhere(text: str, expected: str) -> None:
    (finding,) = found(flow(text))

    assert expected in finding


@pytest.mark.parametrize(
    "text",
    [
        "description: '{{ inputs.x }} {{'\ntasks: [<t>]",
        "tasks: [{id: a, type: io.kestra.plugin.core.log.Log, description: '{{ inputs.x }}'}]",
        "triggers: [{id: f, type: io.kestra.plugin.core.trigger.Flow, inputs: {a: '{{ outputs.x }}{{ vars.y }}'}}]",
        "tasks: [{id: p, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: a, expression: '{{ inputs.b }}'}]}]",
        "tasks: [{id: s, type: io.kestra.plugin.core.flow.Subflow, outputs: {a: '{{ outputs.theirs.value }}'}}]",
        "tasks: [{id: s, type: io.kestra.core.tasks.flows.Template}, <a: {{ outputs.x }}>]",
        "tasks: [{id: e, type: io.kestra.plugin.core.flow.ForEachItem}, <a: {{ outputs.e_merge }}>]",
        "tasks: [{id: v, type: io.kestra.plugin.core.execution.SetVariables, variables: {x: 1}}, <a: {{ vars.x }}>]",
        "tasks: [{id: v, type: io.kestra.plugin.core.execution.SetVariables, variables: '{{ x }}'}, <a: {{ vars.x }}>]",
        "inputs: [{name: old, type: STRING}]\ntasks: [<a: {{ inputs.old }} {{ inputs.new }}>]",
        "inputs: nothing\ntasks: [<a: {{ inputs.old }}>]",
        "tasks: [{id: p, type: io.kestra.plugin.core.flow.Parallel, tasks: [<a: {{ outputs.t }}>, <t>]}]",
        "tasks: [{id: i, type: a.If, then: [<a: {{ outputs.t }}>], else: [<t>]}]",
        "tasks: [{id: l, type: a.LoopUntil, condition: '{{ outputs.t }}', tasks: [<t>]}]",
        "tasks: [{id: l, type: a.ForEach, tasks: [<a: {{ outputs.t[0] }} {{ outputs.l }}>, <t>]}]",
        "finally: [<a: {{ outputs.t }}>]\ntasks: [<t>]",
        "tasks: [<t>]\ntriggers: [{id: s, type: a.Schedule}]\nlabels: {a: '{{ trigger.date }}'}",
    ],
)
def test_says_nothing_where_it_cannot_know(text: str) -> None:
    assert found(flow(text)) == []


LOOPS = f"""\
id: f
namespace: a.b
variables: {{each: "{{{{ item.value }}}}"}}
tasks:
  - {{id: before, type: {LOG}, message: "BEFORE"}}
  - id: each
    type: io.kestra.plugin.core.flow.Loop
    values: [1]
    outputs: [{{id: of, type: STRING, value: "{{{{ outputs.inner }}}}"}}]
    tasks:
      - {{id: inner, type: {LOG}, message: "INNER"}}
      - id: deep
        type: io.kestra.plugin.core.flow.Loop
        values: "{{{{ item.value }}}}"
        tasks: [{{id: deepest, type: {LOG}, message: "DEEPEST"}}]
  - {{id: after, type: {LOG}, message: "AFTER"}}
outputs: [{{id: o, type: STRING, value: "OUTPUT"}}]
"""


def of_loops(where: str, expression: str) -> list[str]:
    return found(re.sub("BEFORE|INNER|DEEPEST|AFTER|OUTPUT", lambda at: expression * (at[0] == where), LOOPS))


NAMED_BY_IT = "is in the Loop 'each'; name it in the `outputs` of 'each'."


@pytest.mark.parametrize(
    ("where", "expression", "expected"),
    [
        (
            "INNER",
            "item.vale",
            "11: warning: `item.vale`: item has no 'vale'; did you mean 'value'? It has: index, key",
        ),
        ("DEEPEST", "item.parent.vale", "15: warning: `item.parent.vale`: item.parent has no 'vale'; did you mean"),
        ("INNER", "taskrun.value", "11: warning: `taskrun.value`: a Loop sets `item.value` instead."),
        ("AFTER", "item.value", "16: warning: `item.value`: only the tasks in a Loop have an item."),
        ("OUTPUT", "item.value", "17: warning: `item.value`: only the tasks in a Loop have an item."),
        ("AFTER", "outputs.inner.x", f"16: error: `outputs.inner`: 'inner' {NAMED_BY_IT}"),
        ("OUTPUT", "outputs.inner.x", f"17: error: `outputs.inner`: 'inner' {NAMED_BY_IT}"),
        ("AFTER", "outputs.deepest.x", f"16: error: `outputs.deepest`: 'deepest' {NAMED_BY_IT}"),
        ("INNER", "outputs.deepest.x", "11: error: `outputs.deepest`: 'deepest' is in the Loop 'deep'; name it in the"),
    ],
)
def test_rounds_of_loops_are_apart(where: str, expression: str, expected: str) -> None:
    (told,) = of_loops(where, f"{{{{ {expression} }}}}")

    assert told.startswith(f"f.yaml:{expected}")


@pytest.mark.parametrize(
    ("where", "expression"),
    [
        ("INNER", "item.index ~ item.key ~ item.value.name ~ taskrun.id"),
        ("DEEPEST", "item.parent.value ~ item.parents[0].value ~ outputs.inner.x ~ outputs.before.x"),
        ("AFTER", "outputs.each.outputs ~ (item.value ?? '') ~ (outputs.inner.x ?? '')"),
        ("AFTER", "taskrun.value"),
    ],
)
def test_says_nothing_of_loops_that_are_right(where: str, expression: str) -> None:
    assert of_loops(where, f"{{{{ {expression} }}}}") == []


def test_variables_without_a_value_are_none() -> None:
    (finding,) = found(flow("variables:\ntasks: [<a: {{ vars.x }}>]"))

    assert finding.endswith("`vars.x`: the flow has no variables.")


def test_aliases_are_told_once() -> None:
    text = "id: f\nnamespace: a.b\nvariables: {a: &x '{{ inputs.x }}', b: *x, ? [c] : d}\ntasks: []\n"

    assert len(found(text)) == 1


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("{{ inputs.user | uper }}", "error: `| uper`: Kestra has no filter 'uper'; did you mean 'upper'? It has: "),
        ("{% filter uper %}x{% endfilter %}", "error: `| uper`: Kestra has no filter 'uper'"),
        ("{{ nwo() }}", "error: `nwo()`: Kestra has no function 'nwo'; did you mean 'now'? It has: now, secret."),
        ("{{ [1, xyz(secret('a'))] }}", "error: `xyz()`: Kestra has no function 'xyz'. It has: now, secret."),
    ],
)
def test_tells_filters_and_functions(message: str, expected: str) -> None:
    (told,) = of_message(message)

    assert told.startswith(expected)


@pytest.mark.parametrize(
    "message",
    [
        "{{ inputs.user | upper | default('x') }}",
        "{{ parent() }}",
        "{% macro twice(a) %}{{ a }}{% endmacro %}{{ twice(1) }}",
        "{{ twice(1) }}{% macro twice(a) %}{{ a }}{% endmacro %}",
        "{{ outputs.load.value.split(',') }}",
        "{% raw %}{{ nope(1) | uper }}{% endraw %}",
    ],
)
def test_lets_pass_filters_and_functions(message: str) -> None:
    assert of_message(message) == []


@pytest.mark.parametrize(("style", "wrong"), [("|", 1), (">", 0)])
def test_raw_counts_on_one_line_and_of_a_folded_text_kestra_sees_one(style: str, wrong: int) -> None:
    lines = ["{% raw %}", "{{ not ours }}", "{% endraw %}"]
    text = f"{style}\n" + "".join(f"      {line}\n" for line in lines)

    assert len(found(FLOW.replace('"TEXT"\n', text))) == wrong


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("trigger.Flow", "{inputs: {a: '{{ outputs.x }}'}}"),
        ("flow.Subflow", "{outputs: {a: '{{ outputs.theirs.value }}'}}"),
        ("execution.SetVariables", "{variables: {made: 1}, overwrite: '{{ vars.made }}'}"),
    ],
)
def test_defaults_are_those_of_their_type(kind: str, values: str) -> None:
    assert found(f"{FLOW}pluginDefaults: [{{type: io.kestra.plugin.core.{kind}, values: {values}}}]\n") == []
    assert len(found(f"{FLOW}pluginDefaults: [{{type: {LOG}, values: {{message: '{{{{ vars.made }}}}'}}}}]\n")) == 1


@pytest.mark.parametrize("name", ["loopIndex", "loopTaskRunId", "_context", "taskId"])
def test_what_a_task_that_starts_the_flow_sets(name: str) -> None:
    assert of_message(f"{{{{ trigger.{name} }}}}") == []


def test_says_nothing_of_names_that_a_server_does_not_tell() -> None:
    assert Vocabulary({}).unknown(Use("filter", "uper", 0)) is None
