"""The labels that a body gives to executions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java

LABEL = "io.kestra.core.models.Label"


def read(call: Call, place: str) -> dict[str, str]:
    """Return the labels that a body lists; a Problem that names their `place` where one is no label."""
    found = list(call.read_list(LABEL))
    validator = call.kestra.bean("io.micronaut.validation.validator.Validator")
    wrong = []
    for index, label in enumerate(found):
        if label is None:
            wrong.append(("must not be null", f"{place}[{index}]"))
            continue
        found_wrong = validator.validate(label)
        wrong += [(str(item.getMessage()), f"{place}[{index}].{item.getPropertyPath()}") for item in found_wrong]
    if wrong:
        raise Problem(422, "Invalid entity: " + ", ".join(f"{path}: {reason}" for reason, path in wrong), wrong)
    return pairs(found)


def convert(call: Call, value: Any) -> list[Any]:
    """Return a value of a JSON body as a list of labels; an empty one where it is none."""
    types = call.kestra.json.getTypeFactory()
    kind = types.constructCollectionType(java("java.util.List").class_, java(LABEL).class_)
    return list(call.kestra.json.convertValue(value, kind) or ())


def pairs(labels: Iterable[Any]) -> dict[str, str]:
    """Return labels by their keys; the last one of a key counts, and empty ones do not."""
    return {str(label.key()): str(label.value()) for label in labels if label is not None and label.key()}
