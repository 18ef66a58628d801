"""The inputs that come in a form: stored where they are files, and read by Kestra."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call, json_response
from pytest_kestra.engine.jvm import java, to_java


def values(call: Call, definitions: Any, execution: Any) -> Any:
    """Return the form's values by the names of the inputs they are for; files are stored with the execution."""
    found = java("java.util.HashMap")()
    for name, value in call.fields:
        if isinstance(value, str):
            found.put(name, value)
            continue
        file_name, content = value
        # An older form of the request names the part "files" and the file after the input.
        by_file = name == "files" and any(str(item.getId()) == file_name for item in definitions or ())
        input_id = file_name if by_file else name
        found.put(input_id, _stored(call, execution, input_id, file_name, content))
    return found


def typed(call: Call, definitions: Any, flow: Any, execution: Any) -> Any:
    """Return the form's values as Kestra reads them for some input definitions, which need not be the flow's own."""
    resolved = call.kestra.inputs.resolveInputs(definitions, flow, execution, values(call, definitions, execution))
    read = java("java.util.HashMap")()
    for item in resolved:
        if not item.enabled():
            continue
        if item.exceptions():
            raise java("io.kestra.core.exceptions.InputOutputValidationException").merge(item.exceptions())
        read.put(item.input().getId(), item.value())
    return java("io.kestra.core.utils.MapUtils").flattenToNestedMap(read)


def checked(call: Call, definitions: Any, flow: Any, execution: Any) -> Response:
    """Answer what Kestra says of the form's values, for each input."""
    resolved = call.kestra.inputs.resolveInputs(
        definitions, flow, execution, values(call, definitions, execution), False
    )
    entries = [
        {
            "input": item.input(),
            "value": item.value(),
            "enabled": item.enabled(),
            "isDefault": item.isDefault(),
            "errors": [{"message": error.getMessage()} for error in item.exceptions() or ()],
        }
        for item in resolved
    ]
    place = {"id": flow.getId(), "namespace": flow.getNamespace()}
    return json_response(call.kestra, to_java({**place, "inputs": entries, "checks": []}))


def _stored(call: Call, execution: Any, input_id: str, file_name: str, content: bytes) -> str:
    with tempfile.TemporaryDirectory(prefix="kestra-input-") as folder:
        path = Path(folder) / "content"
        path.write_bytes(content)
        file = java("java.io.File")(str(path))
        return str(call.kestra.storage.from_(execution, input_id, file_name, file).toString())
