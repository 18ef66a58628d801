from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_kestra.errors import ApiError, InputError
from pytest_kestra.records import FlowRecord
from pytest_kestra.run.inputs import Inputs
from pytest_kestra.run.refusals import TAKES

SOURCE = """\
id: f
namespace: a.b
inputs:
  - id: name
    type: STRING
  - id: data
    type: FILE
tasks: []
"""


class Color(enum.Enum):
    RED = "red"


def flow(**types: str) -> FlowRecord:
    inputs = [{"id": name, "type": kind} for name, kind in (types or {"name": "STRING", "data": "FILE"}).items()]
    return FlowRecord.of({"id": "f", "namespace": "a.b", "revision": 1, "source": SOURCE, "inputs": inputs})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "Ada"),
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        ([1, "a"], '[1, "a"]'),
        ({"a": None}, '{"a": null}'),
        (Color.RED, "red"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00+00:00"),  # noqa: DTZ001 - that UTC is meant is what is tested
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1.5), "PT1M30S"),
    ],
)
def test_python_values_become_what_kestra_reads(value: Any, text: str) -> None:
    assert Inputs.of_flow(flow(), "f.yaml").fields({"name": value}) == [("name", text)]


def test_none_leaves_an_input_out() -> None:
    assert Inputs.of_flow(flow(), "f.yaml").fields({"name": None}) == []
    assert Inputs.of_flow(flow(), "f.yaml").fields(None) == []


def test_files_from_paths_bytes_and_texts(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"1,2")

    assert Inputs.of_flow(flow(), "f.yaml").fields({"data": tmp_path / "x.csv"}) == [("data", ("x.csv", b"1,2"))]
    assert Inputs.of_flow(flow(), "f.yaml").fields({"data": b"1"}) == [("data", ("file", b"1"))]
    assert Inputs.of_flow(flow(), "f.yaml").fields({"data": "ü"}) == [("data", ("file", "ü".encode()))]
    assert Inputs.of_flow(flow(), "f.yaml").fields({"data": "kestra:///x"}) == [("data", "kestra:///x")]


def test_unknown_input_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as raised:
        Inputs.of_flow(flow(), "flows/f.yaml").fields({"nmae": "Ada"})

    expected = "flows/f.yaml:4: the flow f has no input 'nmae'; did you mean 'name'? It has: name, data."
    assert str(raised.value) == expected


def test_flow_without_inputs_says_so() -> None:
    empty = FlowRecord.of({"id": "f", "namespace": "a.b", "revision": 1})
    with pytest.raises(InputError, match=r"^f.yaml: the flow f has no input 'x': it has none\.$"):
        Inputs.of_flow(empty, "f.yaml").fields({"x": 1})


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"^f.yaml:6: the file .*x.csv of the input 'data' cannot be read: No such file or directory\.$",
    ):
        Inputs.of_flow(flow(), "f.yaml").fields({"data": tmp_path / "x.csv"})


def test_value_without_a_form() -> None:
    with pytest.raises(InputError, match=r"^f.yaml:4: the input 'name' is of the type set, which has no form in JSON"):
        Inputs.of_flow(flow(), "f.yaml").fields({"name": {1}})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Invalid entity: Missing required input:data",
            "f.yaml:6: the input 'data' (FILE) of the flow f is required and has no default.",
        ),
        (
            'Invalid entity: Invalid value for input `name`. Cause: For input string: "many"',
            "f.yaml:4: the input 'name' (STRING) of the flow f does not take 1: For input string: \"many\".",
        ),
        (
            "Invalid value for input `other`. It is odd",
            "f.yaml:4: the input 'other' (unknown type) of the flow f does not take this value: It is odd.",
        ),
        (
            "Invalid entity:  errors: ```\nText '01/02' could not be parsed\n```",
            "f.yaml:4: Kestra refuses one of the inputs 'name' of the flow f: Text '01/02' could not be parsed",
        ),
    ],
)
def test_what_kestra_refuses_gets_file_and_line(message: str, expected: str) -> None:
    with pytest.raises(InputError) as caught, Inputs.of_flow(flow(), "f.yaml").refusals({"name": 1}):
        raise ApiError(422, message, "POST x")

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("kind", "given", "message", "expected"),
    [
        ("INT", {"name": "many"}, 'Invalid value for input `name`. Cause: For input string: "many"', "'many'"),
        ("DATE", {"name": "01/02"}, " errors:\n```\nText '01/02' could not be parsed at index 0\n```", "'01/02'"),
        ("JSON", {"name": "{" * 99}, " errors:\n```\nUnexpected end-of-input\n at [Source: x]\n```", f"'{'{' * 37}..."),
        ("INT", {}, 'Invalid value for input `name`. Cause: For input string: "x"', "which its default is not."),
    ],
)
def test_what_kestra_cannot_read_is_told_in_words(kind: str, given: Any, message: str, expected: str) -> None:
    told = str(Inputs.of_flow(flow(name=kind), "f.yaml").wrong([("name", message)], given))

    takes = f"f.yaml:4: the input 'name' ({kind}) of the flow f takes {TAKES[kind]}, "
    assert told.startswith(takes + (expected if not given else f"not {expected}"))


def test_value_of_a_secret_is_not_told() -> None:
    told = str(
        Inputs.of_flow(flow(name="SECRET"), "f.yaml").wrong(
            [("name", "Invalid value for input `name`. Cause: it must match the pattern `^a`")], {"name": "hunter2"}
        )
    )

    assert told.endswith("(SECRET) of the flow f does not take this value: it must match the pattern `^a`.")


def test_secrets_are_known_as_they_are_given_and_as_they_are_sent() -> None:
    class Token(Enum):
        TEST = "s3cret-value"

    secrets = Inputs.of_flow(flow(name="SECRET"), "f.yaml").secrets

    assert secrets({"name": Token.TEST}) == ["Token.TEST", "s3cret-value"]
    assert secrets({"name": b"s3cret-value"}) == ["b's3cret-value'", "s3cret-value"]
    assert secrets({"name": {"s3cret-value"}}) == ["{'s3cret-value'}"]  # which is refused
    assert secrets({"name": None}) == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = [("name", "Missing required input:name"), ("data", "Missing required input:data")]
    with (
        pytest.raises(InputError) as caught,
        Inputs.of_flow(flow(), "f.yaml").refusals(None, lambda: found),
    ):
        raise ApiError(422, "Invalid entity: Missing required input:name", "POST x")

    assert str(caught.value).splitlines() == [
        "2 inputs of the flow f are wrong:",
        "  f.yaml:4: the input 'name' (STRING) of the flow f is required and has no default.",
        "  f.yaml:6: the input 'data' (FILE) of the flow f is required and has no default.",
    ]


def test_first_is_told_where_the_others_are_not() -> None:
    def validate() -> list[tuple[str, str]]:
        raise ApiError(500, "no", "POST x")

    with pytest.raises(InputError, match="'data'"), Inputs.of_flow(flow(), "f.yaml").refusals(None, validate):
        raise ApiError(422, "Missing required input:data", "POST x")


def test_other_refusals_are_left_alone() -> None:
    with (
        pytest.raises(ApiError, match="Flow is disabled"),
        Inputs.of_flow(flow(), "f.yaml").refusals({"name": 1}),
    ):
        raise ApiError(409, "Flow is disabled", "POST x")


FORM = """\
id: f
namespace: a.b
inputs:
  - id: name
    type: STRING
  - id: environment
    type: FORM
    inputs:
      - id: region
        type: STRING
      - id: access
        type: FORM
        inputs:
          - {id: token, type: SECRET}
  - id: dotted.key
    type: INT
tasks: []
"""


@pytest.fixture
def form() -> Inputs:
    data = yaml.safe_load(FORM)
    return Inputs.of_flow(FlowRecord.of({**data, "revision": 1, "source": FORM}), "f.yaml")


@pytest.mark.parametrize(
    "given",
    [
        {"environment": {"region": "eu", "access": {"token": "abc"}}, "dotted": {"key": 1}},
        {"environment.region": "eu", "environment": {"access.token": "abc"}, "dotted.key": 1},
    ],
)
def test_inputs_of_forms_have_the_names_that_kestra_takes(form: Inputs, given: dict[str, Any]) -> None:
    assert sorted(form.fields(given)) == [
        ("dotted.key", "1"),
        ("environment.access.token", "abc"),
        ("environment.region", "eu"),
    ]
    assert form.secrets(given) == ["abc"]


def test_unknown_input_of_a_form_is_told_with_the_nearest(form: Inputs) -> None:
    with pytest.raises(InputError, match=r"no input 'environment\.regoin'; did you mean 'environment\.region'\?"):
        form.fields({"environment": {"regoin": "eu"}})
    with pytest.raises(InputError, match=r"no input 'environment'; did you mean"):
        form.fields({"environment": "eu"})


def test_wrong_input_of_a_form_is_told_where_it_stands(form: Inputs) -> None:
    error = ApiError(422, "Invalid entity: Missing required input:environment.access.token", "POST")

    with (
        pytest.raises(
            InputError, match=r"^f\.yaml:14: the input 'environment\.access\.token' \(SECRET\) of the flow f is"
        ),
        form.refusals({}),
    ):
        raise error
