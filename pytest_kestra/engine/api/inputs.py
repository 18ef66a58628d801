"""The inputs of executions: a form's fields as Kestra's own reader of inputs takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.jvm import java, to_java


class _Text:
    """Be a part of a form that is a text, as far as Kestra asks."""

    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._content = content

    def getName(self) -> str:  # noqa: N802 - as it is called in Java
        """Return the name of the field."""
        return self._name

    def getBytes(self) -> Any:  # noqa: N802 - as it is called in Java
        """Return what the part holds."""
        import jpype

        return jpype.JArray(jpype.JByte)(self._content)


class _File(_Text):
    """Be a part of a form that is a file, as far as Kestra asks."""

    def __init__(self, name: str, file_name: str, content: bytes) -> None:
        super().__init__(name, content)
        self._file_name = file_name

    def getFilename(self) -> str:  # noqa: N802 - as it is called in Java
        """Return the name of the file."""
        return self._file_name

    def getInputStream(self) -> Any:  # noqa: N802 - as it is called in Java
        """Return the content of the file."""
        return java("java.io.ByteArrayInputStream")(self.getBytes())

    def discard(self) -> None:
        """Do nothing: the content is in memory."""


def parts(call: Call) -> Any:
    """Return the fields of a form as a publisher of the parts that Kestra's reader of inputs takes."""
    import jpype

    found = java("java.util.ArrayList")()
    for name, value in call.fields:
        if isinstance(value, str):
            part = jpype.JProxy("io.micronaut.http.multipart.CompletedPart", inst=_Text(name, value.encode()))
        else:
            part = jpype.JProxy("io.micronaut.http.multipart.CompletedFileUpload", inst=_File(name, *value))
        found.add(part)
    return java("reactor.core.publisher.Flux").fromIterable(found)


def read(call: Call, flow: Any, execution: Any) -> Any:
    """Return the inputs of an execution as its flow declares them; files are stored."""
    return call.kestra.inputs.readExecutionInputs(flow, execution, parts(call)).block()


def checked(call: Call, flow: Any, values: Any, *, checks: Iterable[Any]) -> Response:
    """Answer what is wrong with the values of inputs, and which checks of the flow have failed."""
    answer = {
        "id": flow.getId(),
        "namespace": flow.getNamespace(),
        "inputs": [_input(value) for value in values],
        "checks": [
            {"message": check.getMessage(), "style": check.getStyle(), "behavior": check.getBehavior()}
            for check in checks
        ],
    }
    return json_response(call.kestra, to_java(answer))


def _input(value: Any) -> dict[str, Any]:
    return {
        "input": value.input(),
        "value": value.value(),
        "enabled": value.enabled(),
        "isDefault": value.isDefault(),
        "errors": [{"message": error.getMessage()} for error in value.exceptions() or ()],
    }
