"""The YAML text of a suite: its cases, and what is wrong with it, with lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from pytest_kestra.errors import FlowError, hint
from pytest_kestra.flows.loader import Loader
from pytest_kestra.flows.outline import value_at
from pytest_kestra.flows.source import FlowSource

SCHEMA = Path(__file__).parent / "suite.schema.json"
# Ours: what a Kestra server knows nothing of.
EXTENSION = "x-pytest"
OPERATORS = (
    *("isNull", "isNotNull", "endsWith", "startsWith", "equalTo", "contains", "notEqualTo", "greaterThan"),
    *("greaterThanOrEqualTo", "lessThan", "lessThanOrEqualTo", "in", "notIn"),
)


# What leads to a place of the suite: keys of mappings and indexes of lists.
Steps = Sequence[str | int]


@dataclass(frozen=True)
class Case:
    """Hold one run of a case: what Kestra knows of it, and what is ours.

    `places` lead to what gives its fixtures: its set of parameters, and those of the case.
    """

    name: str
    line: int
    data: Mapping[str, Any]
    extension: Mapping[str, Any] = field(default_factory=dict)
    disabled: bool = False
    places: Sequence[Steps] = ()

    @property
    def id(self) -> str:
        """The id that Kestra knows."""
        return str(self.data["id"])

    @property
    def fixtures(self) -> Mapping[str, Any]:
        """All that is given."""
        return self.data.get("fixtures") or {}

    @property
    def tasks(self) -> list[Mapping[str, Any]]:
        """The fixtures of tasks."""
        return list(self.fixtures.get("tasks") or ())


class SuiteSource:
    """Read a suite; FlowError, with file and line, where it is none that Kestra takes."""

    def __init__(self, text: str, name: str) -> None:
        self.source = FlowSource(text, name)
        self.name = name
        _ = self.source.root  # which tells what is no YAML
        try:
            self.data: dict[str, Any] = _loaded(self.source, _Loader)
        except yaml.MarkedYAMLError as error:  # such as a tag that nobody knows
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else None
            raise self.source.error(f"this cannot be read: {error.problem or error.context}.", line) from None
        except ValueError as error:
            raise self.source.error(f"this cannot be read: {error}.") from None
        self._check()

    @property
    def id(self) -> str:
        """The suite's id."""
        return str(self.data["id"])

    @property
    def namespace(self) -> str:
        """The namespace of the flow."""
        return str(self.data["namespace"])

    @property
    def flow_id(self) -> str:
        """The id of the flow."""
        return str(self.data["flowId"])

    @property
    def disabled(self) -> bool:
        """Whether no case is run."""
        return bool(self.data.get("disabled"))

    @property
    def marks(self) -> list[str]:
        """The marks of pytest that all cases have."""
        return list(self.data.get(EXTENSION, {}).get("marks", ()))

    @cached_property
    def cases(self) -> list[Case]:
        """The cases, one for each set of parameters."""
        written = _loaded(self.source, _AsWritten)["testCases"]
        pairs = enumerate(zip(written, self.data["testCases"], strict=True))
        return [run for index, (data, plain) in pairs for run in _runs(data, plain, index, self._line(index))]

    def line_of_fixture(self, case: Case, key: str, name: str) -> int:
        """Return the line in which a case gives the input, or the fixture for the task, of a name."""
        for place in case.places:
            given: Any = self.data
            for step in place:
                given = given[step] if isinstance(step, int) else given.get(step) or {}
            found = given.get(key) or ()
            known = list(found) if isinstance(found, Mapping) else [item["id"] for item in found]
            if name in known:
                return self.line_of([*place, key, name if isinstance(found, Mapping) else known.index(name)])
        return case.line

    def line_of(self, path: Steps) -> int:
        """Return the line of what a path such as `["testCases", 0, "id"]` leads to, as far as it leads."""
        node: yaml.Node = self.source.root
        line = 1
        for step in path:
            found = None
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            elif isinstance(node, yaml.MappingNode):
                keys = [key for key, _ in node.value if key.value == step]
                found = value_at(node, str(step))
                line = keys[-1].start_mark.line + 1 if keys else line
            if found is None:
                break
            node = found
            if isinstance(step, int):
                line = node.start_mark.line + 1
        return line

    def error(self, message: str, path: Steps = ()) -> FlowError:
        """Return an error about this suite, at the line of a path."""
        return self.source.error(message, self.line_of(path))

    def _line(self, index: int) -> int:
        return self.line_of(["testCases", index, "id"])

    def _check(self) -> None:
        found = best_match(_validator().iter_errors(self.data), key=lambda error: -len(error.absolute_path))
        if found is not None:
            raise self.error(*_told(found))
        seen: dict[str, int] = {}
        for index, case in enumerate(self.data["testCases"]):
            if case["id"] in seen:
                first = self._line(seen[case["id"]])
                raise self.error(
                    f"the case {case['id']!r} is there twice, first in line {first}.", ["testCases", index]
                )
            seen[case["id"]] = index
            ids = [item["id"] for item in case.get(EXTENSION, {}).get("parametrize", ())]
            if twice := sorted({name for name in ids if ids.count(name) > 1}):
                message = f"the parameters {twice[0]!r} are there twice."
                raise self.error(message, ["testCases", index, EXTENSION, "parametrize"])


def _runs(data: Mapping[str, Any], plain: Mapping[str, Any], index: int, line: int) -> Iterator[Case]:
    """Return the runs of a case: its texts as they are written, what is JSON for Kestra as YAML has it."""
    every = [one.get(EXTENSION, {}).get("parametrize", ({},)) for one in (data, plain)]
    for number, (parameters, own) in enumerate(zip(*every, strict=True)):
        name = f"{data['id']}[{parameters['id']}]" if parameters else str(data["id"])
        places = [("testCases", index, EXTENSION, "parametrize", number)] if parameters else []
        yield Case(
            name,
            line,
            _typed(_with(data, parameters), _with(plain, own)),
            plain.get(EXTENSION, {}),
            bool(plain.get("disabled")),
            [*places, ("testCases", index, "fixtures")],
        )


def _with(case: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case with what a set of parameters says; a task that it names has only this fixture."""
    case = {name: value for name, value in case.items() if name not in (EXTENSION, "disabled")}
    fixtures = dict(case.get("fixtures") or {})
    for name in ("inputs", "files"):
        if name in parameters:
            fixtures[name] = {**fixtures.get(name, {}), **parameters[name]}
    if "tasks" in parameters:
        named = {task["id"] for task in parameters["tasks"]}
        kept = [task for task in fixtures.get("tasks", ()) if task["id"] not in named]
        fixtures["tasks"] = [*kept, *parameters["tasks"]]
    made = {**case, "assertions": [*case["assertions"], *parameters.get("assertions", ())]}
    if fixtures:
        made["fixtures"] = fixtures
    if "expectedState" in parameters:
        made["expectedState"] = parameters["expectedState"]
    return made


def _typed(case: dict[str, Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case whose inputs, outputs and variables are of the types that YAML gives them, as Kestra has them.

    All else is texts for Kestra, which is why `1.50` is to stay `1.50` there.
    """
    if "fixtures" not in case:
        return case
    written, typed = case["fixtures"], plain["fixtures"]
    made = _taken(written, typed, "inputs")
    if "tasks" in made:
        pairs = zip(written["tasks"], typed["tasks"], strict=True)
        made["tasks"] = [_taken(*pair, "outputs", "assets") for pair in pairs]
    if "trigger" in made:
        made["trigger"] = _taken(written["trigger"], typed["trigger"], "variables")
    return {**case, "fixtures": made}


def _taken(written: Mapping[str, Any], typed: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**written, **{name: typed[name] for name in names if name in typed}}


class _Loader(Loader):
    """Read YAML as Kestra does, by Jackson: dates and times of day are texts, and `1e3` is a number."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":bool", ":null", ":merge"))]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in (
    ("int", r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)"),
    ("float", r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), list("-+.0123456789"))


class _AsWritten(_Loader):
    """Leave texts of numbers as they are where another way to write them is the usual one: Kestra compares `1.50`."""


def _as_written(construct: Callable[[yaml.SafeLoader, yaml.ScalarNode], Any]) -> Callable[[Any, Any], Any]:
    """Return a reader of scalars that leaves those as texts which JSON would write otherwise."""

    def read(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        value = construct(loader, node)
        return value if json.dumps(value) == node.value else node.value

    return read


for _tag, _construct in (
    ("int", yaml.SafeLoader.construct_yaml_int),
    ("float", yaml.SafeLoader.construct_yaml_float),
    ("bool", yaml.SafeLoader.construct_yaml_bool),
):
    _AsWritten.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_written(_construct))


def _loaded(source: FlowSource, loader: type[_Loader]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(source.text, loader)  # noqa: S506 - it is a safe loader
    return found


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _told(error: ValidationError) -> tuple[str, list[str | int]]:
    """Return a sentence about what a schema does not allow, and the path to its place."""
    path = list(error.absolute_path)
    where = _place(path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in known)
        return f"{where} has no key {unknown!r}{hint(str(unknown), known)}", [*path, unknown]
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{where} lacks the key {missing!r}.", path
    if error.validator == "anyOf":
        return f"{where} has no operator; it takes one or more of {', '.join(OPERATORS)}.", path
    if error.validator == "enum":
        return f"{where} is {error.instance!r}{hint(str(error.instance), error.validator_value)}", path
    if error.validator == "const":
        return f"{where} is {error.instance!r}; it has to be {error.validator_value!r}.", path
    if error.validator == "type":
        types = error.validator_value
        wished = " or ".join([types] if isinstance(types, str) else types)
        return f"{where} is {error.instance!r}; it has to be of the type {wished}.", path
    return f"{where}: {error.message}.", path


def _place(path: Steps) -> str:
    if not path:
        return "the suite"
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"`{text.removeprefix('.')}`"
