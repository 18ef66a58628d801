from __future__ import annotations

import pytest

from pytest_kestra.errors import FlowError, KestraError
from pytest_kestra.flows.namespaces import LONGEST, Namespaces, child, ending, is_marked, marked_part, slug, unique
from pytest_kestra.flows.source import FlowSource

FLOW = """\
# company.team is named here too
id: parent
namespace: company.team   # the flow's own
labels:
  owner: company.team
description: company.team
tasks:
  - id: company.team
    type: io.kestra.plugin.core.flow.Subflow
    namespace: 'company.team'
    flowId: child
  - {id: kv, type: x.Get, namespace: "company\\x2eteam", other: company.teams}
  - id: far
    type: x.Subflow
    namespace: company.other
"""


def test_references_follow_their_flow_and_all_else_stays() -> None:
    text = Namespaces("t1").rewritten(FlowSource(FLOW), {"company.team"})

    assert text == FLOW.replace("namespace: company.team ", "namespace: company.team.t1 ").replace(
        "'company.team'", "'company.team.t1'"
    ).replace('"company\\x2eteam"', '"company.team.t1"')


def test_namespace_of_one_word_counts_only_where_a_key_says_so() -> None:
    text = """\
id: x
namespace: sales
inputs:
  - {id: dept, type: SELECT, values: [sales, hr]}
tasks:
  - {id: call, type: x.Subflow, namespace: sales}
  - {id: say, type: x.Return, format: sales}
"""

    assert Namespaces("t1").rewritten(FlowSource(text), {"sales"}) == text.replace(
        "namespace: sales", "namespace: sales.t1"
    )


def test_several_namespaces_at_once() -> None:
    text = Namespaces("t1").rewritten(FlowSource(FLOW), {"company.team", "company.other"})

    assert "namespace: company.other.t1\n" in text


def test_without_a_name_nothing_changes() -> None:
    namespaces = Namespaces(None)

    assert namespaces.rewritten(FlowSource(FLOW), {"company.team"}) is FLOW
    assert namespaces.of("company.team") == "company.team"


@pytest.mark.parametrize(("text", "expected"), [("test_a[x-Ä é]", "test-a-x"), ("Test", "test"), ("__", "")])
def test_slug_has_small_letters_digits_and_hyphens(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_long_names_keep_their_unique_end() -> None:
    name = child("n" * 100, "a-very-long-name-" * 5 + "gw0-1a2b3c")

    assert len(name) <= LONGEST
    assert name.endswith("gw0-1a2b3c")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("namespace: &prod prod", "namespace: &prod prod.t1"),
        ("namespace: !!str s", "namespace: !!str s.t1"),
        ("namespace: >- # dev\n  dev", "namespace: >- # dev\n  dev.t1"),
        ("namespace: |-\n  dev", "namespace: |-\n  dev.t1"),
        ("namespace: dev\r", "namespace: dev.t1\r"),
    ],
)
def test_namespace_is_found_however_it_is_written(old: str, new: str) -> None:
    source = FlowSource(f"id: x\n{old}\n# äöü\n")

    assert Namespaces("t1").rewritten(source, {source.namespace}) == f"id: x\n{new}\n# äöü\n"


def test_keys_are_no_references() -> None:
    source = FlowSource("id: x\nnamespace: tasks\ntasks: []\nvariables: {tasks: 1}\n")

    assert Namespaces("t1").rewritten(source, {"tasks"}) == source.text.replace(
        "namespace: tasks", "namespace: tasks.t1"
    )


def test_namespace_that_cannot_be_rewritten_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FlowSource('id: x\nnamespace: "dev" # dev\n')
    broken = Namespaces("t1")
    monkeypatch.setattr(broken, "_replaced", lambda written, _: written)

    with pytest.raises(FlowError, match=r"^<text>:2: this way to write the `namespace` cannot be rewritten"):
        broken.rewritten(source, {"dev"})


def test_unique_names_are_marked_with_their_run() -> None:
    first, second = (unique("test-a-gw0", "4fac22") for _ in range(2))

    assert first != second
    assert first.startswith("test-a-gw0-pytest-4fac22-")
    for name in (first, f"company.team.{first}", unique("", "4fac22")):
        assert is_marked(name)
        assert marked_part(name, "4fac22") == marked_part(f"{name}.below") == name
        assert marked_part(name, "000000") is None


@pytest.mark.parametrize(
    "namespace",
    [
        "company.team",
        "company.pytest",
        "pytest-4fac22",
        "a.pytest-4fac22-12345",
        "a.mypytest-4fac22-1234",
        "a.pytest-4fac22-1234.b",
    ],
)
def test_names_of_others_are_not_marked(namespace: str) -> None:
    assert not is_marked(namespace)


def test_mark_survives_a_long_parent() -> None:
    name = unique("test-" + "x" * 40, "4fac22")

    assert is_marked(child("n" * 120, name))


def test_prefix_stands_before_all_namespaces() -> None:
    text = Namespaces("t1", "ci.tests").rewritten(FlowSource(FLOW), {"company.team", "company.other"})

    assert "namespace: ci.tests.company.team.t1   #" in text
    assert "namespace: 'ci.tests.company.team.t1'" in text
    assert "namespace: ci.tests.company.other.t1\n" in text


def test_prefix_stands_once() -> None:
    namespaces = Namespaces("t1", "ci.tests")

    assert namespaces.of("ci.tests") == "ci.tests.t1"
    assert namespaces.of("ci.tests.team") == "ci.tests.team.t1"
    assert namespaces.of("ci.testsuite") == "ci.tests.ci.testsuite.t1"


def test_prefix_without_a_name_is_refused() -> None:
    with pytest.raises(KestraError, match=r"^Below the prefix ci each test has a namespace of its own"):
        Namespaces(None, "ci")


def test_namespace_without_room_for_one_of_the_test_is_refused() -> None:
    source = FlowSource(f"id: x\nnamespace: {'n' * 131}\n", "x.yaml")

    Namespaces(unique("t", "4fac22")).rewritten(source, {source.namespace})
    with pytest.raises(FlowError, match=r"^x.yaml:2: a namespace of the test's own below ci\.nnn"):
        Namespaces(unique("t", "4fac22"), "ci").rewritten(source, {source.namespace})


def test_all_namespaces_of_a_test_end_alike() -> None:
    name = unique("test-a", "4fac22")

    for namespace in ("company", "c" * 130, f"company.{'long' * 30}"):
        assert child(namespace, name).endswith(ending(name))
    assert ending("mine") == "mine"
