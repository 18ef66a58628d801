"""The endpoints that check flows, tasks and triggers without storing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import FORM, JSON, YAML, Call, json_response, route
from pytest_kestra.engine.api.contents import by_content
from pytest_kestra.engine.api.problems import not_convertible
from pytest_kestra.engine.jvm import java, to_java

TASK = "io.kestra.core.models.tasks.Task"
TRIGGER = "io.kestra.core.models.triggers.AbstractTrigger"
SECTIONS = {"TASKS": TASK, "TRIGGERS": TRIGGER}


def flows(call: Call) -> Response:
    """Check every document of a YAML text and answer one entry for each."""
    documents = java("java.util.regex.Pattern").compile("\\n+---\\n*?").split(call.text.strip())
    return _flows(call, [(None, document) for document in documents])


def files(call: Call) -> Response:
    """Check flows that are sent as files and answer one entry for each, with the file's name."""
    return _flows(call, [(name, content.strip()) for name, content in call.files("flows")])


def task(call: Call) -> Response:
    """Check a task that is told as JSON."""
    return _entry(call, "task", lambda: _from_json(call, TASK))


def trigger(call: Call) -> Response:
    """Check a trigger that is told as JSON."""
    return _entry(call, "trigger", lambda: _from_json(call, TRIGGER))


def section(call: Call) -> Response:
    """Check a task or a trigger that is told as YAML, as `section` says."""
    name = call.required("section")
    if name not in SECTIONS:
        raise not_convertible("section", name, f"No enum constant TaskValidationType.{name}")
    parser, kind = java("io.kestra.core.serializers.YamlParser"), java(SECTIONS[name]).class_
    return _entry(call, "flow", lambda: kind.cast(parser.parse(call.text, kind)))


def _flows(call: Call, sources: list[tuple[str | None, str]]) -> Response:
    source_type = java("io.kestra.core.models.flows.FlowSource")
    found = to_java([source_type(name, text) for name, text in sources])
    return json_response(call.kestra, call.kestra.flow_service.validate(call.tenant, found))


def _from_json(call: Call, type_name: str) -> Any:
    kind = java(type_name).class_
    try:
        return kind.cast(java("io.kestra.core.serializers.JacksonMapper").ofJson().readValue(call.text, kind))
    except java("com.fasterxml.jackson.core.JsonProcessingException") as error:
        parser = java("io.kestra.core.serializers.YamlParser")
        raise parser.toConstraintViolationException(call.text, kind.getSimpleName(), error) from error


def _entry(call: Call, name: str, parse: Callable[[], Any]) -> Response:
    entry = java("io.kestra.core.models.validations.ValidateConstraintViolation").builder()
    try:
        call.kestra.bean("io.kestra.core.models.validations.ModelValidator").validate(parse())
    except java("jakarta.validation.ConstraintViolationException") as error:
        entry.constraints(error.getMessage())
    except java("java.lang.RuntimeException") as error:
        entry.constraints(f"Unable to validate the {name}: {error.getMessage()}")
    return json_response(call.kestra, entry.build())


ROUTES = [
    by_content("flows/validate", {YAML: flows, FORM: files}, "POST", body_name="flows"),
    by_content("flows/validate/task", {YAML: section, JSON: task}, "POST", body_name="task"),
    route("flows/validate/trigger", trigger, "POST", consumes=JSON, body_name="trigger"),
]
