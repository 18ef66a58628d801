"""The text of a suite, as Kestra's own objects."""

from __future__ import annotations

from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.flows.sources import tell
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java

SUITE = "io.kestra.core.test.TestSuite"
# What a case of Kestra 2.0 may say, and 1.3 does not know.
EXPECTED = "expectedState"


def parse(call: Call) -> Any:
    """Return the suite of a request's body, not checked yet; a Problem where it is none, or has unknown properties."""
    text = call.text
    parser = java("io.kestra.core.serializers.YamlParser")
    map_type = java("java.util.Map").class_
    values = tell(lambda: java("io.kestra.core.serializers.JacksonMapper").ofYaml().readValue(text, map_type))
    if not isinstance(values, java("java.util.Map")):
        raise Problem(422, "Invalid entity: a suite is a YAML mapping")
    for case in _cases(values):
        case.remove(EXPECTED)
    suite = tell(lambda: parser.parse(values, java(SUITE).class_, True))
    return suite.toBuilder().tenantId(call.tenant).source(text).build()


def check(call: Call, suite: Any) -> None:
    """Raise Java's exception where a suite is wrong, or its flow is not there."""
    call.kestra.bean("io.kestra.core.models.validations.ModelValidator").validate(suite)


def expected_states(suite: Any) -> dict[str, str]:
    """Return the states that cases expect, by their ids, where they say so."""
    mapper = java("io.kestra.core.serializers.JacksonMapper").ofYaml()
    cases = _cases(mapper.readValue(suite.getSource(), java("java.util.Map").class_))
    return {str(case.get("id")): str(case.get(EXPECTED)) for case in cases if case.get(EXPECTED) is not None}


def _cases(values: Any) -> list[Any]:
    cases = values.get("testCases")
    found = list(cases) if isinstance(cases, java("java.util.List")) else []
    return [case for case in found if isinstance(case, java("java.util.Map"))]
