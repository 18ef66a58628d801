"""What a form says about the inputs of a flow, handed to Kestra's own reader as its web server does."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import halves
from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.jvm import java, to_java

TEXT = "io.micronaut.http.multipart.CompletedPart"
FILE = "io.micronaut.http.multipart.CompletedFileUpload"


class Part:  # pragma: no cover - Java calls it in threads of its own, where coverage does not look
    """Be a part of a form as Java sees it, a text or a file."""

    def __init__(self, name: str, content: bytes, file_name: str | None = None) -> None:
        self.name, self.content, self.file_name = name, content, file_name

    def getName(self) -> str:  # noqa: N802 - as Java calls it
        """Return the name of the part: the id of an input."""
        return self.name

    def getFilename(self) -> str | None:  # noqa: N802 - as Java calls it
        """Return the name of the file."""
        return self.file_name

    def getBytes(self) -> Any:  # noqa: N802 - as Java calls it
        """Return the content of a text."""
        import jpype

        return jpype.JArray(jpype.JByte)(self.content)

    def getInputStream(self) -> Any:  # noqa: N802 - as Java calls it
        """Return the content of a file."""
        return java("java.io.ByteArrayInputStream")(self.getBytes())

    def discard(self) -> None:
        """Do nothing: the content goes with the request."""


def parts(call: Call, declared: Any) -> Any:
    """Return the parts of a request's form, for Kestra's reader of these inputs."""
    import jpype

    found = []
    for name, value in call.fields:
        if isinstance(value, str):
            found.append(jpype.JProxy(TEXT, inst=Part(name, value.encode())))
        elif declared:  # Kestra drops what is not declared, but not a file where nothing is
            found.append(jpype.JProxy(FILE, inst=Part(name, value[1], value[0])))
    return java("reactor.core.publisher.Flux").fromIterable(to_java(found))


def read(call: Call, flow: Any, execution: Any) -> Any:
    """Return the values of a flow's inputs, checked and of their types; files are stored."""
    values = call.kestra.inputs.readExecutionInputs(flow, execution, parts(call, flow.getInputs())).block()
    refuse_halves(call, values)
    return values


def refuse_halves(call: Call, value: Any) -> None:
    """Raise a Problem if a Java value that was made of a request's form has half a character in it."""
    halves.refuse(call.kestra, "".join(text for _, text in call.fields if isinstance(text, str)), value)


def answer(call: Call, flow: Any, checked: Any, failed: Any = ()) -> Response:
    """Answer each input with its value and what is wrong with it, and the flow's checks that fail."""
    values = [
        {
            "input": item.input(),
            "value": item.value(),
            "enabled": item.enabled(),
            "isDefault": item.isDefault(),
            "errors": [{"message": error.getMessage()} for error in item.exceptions() or ()],
        }
        for item in checked
    ]
    checks = [
        {"message": check.getMessage(), "style": check.getStyle(), "behavior": check.getBehavior()} for check in failed
    ]
    place = {"id": flow.getId(), "namespace": flow.getNamespace()}
    return json_response(call.kestra, to_java({**place, "inputs": values, "checks": checks}))
