"""What the first rows of a file look like: text, rows of Ion, or the whole of an image or a PDF."""

from __future__ import annotations

import base64
from typing import Any

from pytest_kestra.engine.api.problems import Problem
from pytest_kestra.engine.jvm import java, to_java

IMAGES = {"jpg", "jpeg", "png", "svg", "gif", "bmp", "webp"}
UTF_8 = "UTF-8"
# The most of a text that is shown, in bytes.
LARGEST = 2 << 20


def preview(stream: Any, extension: str, encoding: str, rows: int) -> Any:
    """Return what is shown of a file's content, at most so many rows of it."""
    whole = extension.lower()
    if whole in IMAGES or whole == "pdf":
        content = base64.b64encode(bytes(stream.readAllBytes())).decode()
        return _shown(extension, "PDF" if whole == "pdf" else "IMAGE", content, rows, truncated=False)
    if extension == "ion":
        found = java("java.util.ArrayList")()
        truncated = java("io.kestra.core.serializers.FileSerde").read(stream, rows, found.add)
        return _shown(extension, "LIST", found, rows, truncated=bool(truncated))
    # Markdown is UTF-8 whatever is asked for.
    kind, used = ("MARKDOWN", UTF_8) if extension == "md" else ("TEXT", encoding)
    text, truncated = _text(stream, charset(used), rows)
    return _shown(extension, kind, text, rows, truncated=truncated)


def charset(encoding: str) -> Any:
    """Return a Java charset by its name."""
    try:
        return java("java.nio.charset.Charset").forName(encoding)
    except java("java.lang.IllegalArgumentException") as error:
        raise Problem(422, f"Illegal argument: Unable to preview using encoding '{encoding}'") from error


def _text(stream: Any, charset: Any, rows: int) -> tuple[str, bool]:
    reader = java("java.io.BufferedReader")(java("java.io.InputStreamReader")(stream, charset))
    lines: list[str] = []
    while (line := reader.readLine()) is not None and len(lines) < rows:
        lines.append(str(line))
    more = line is not None and rows > 0
    text = "\n".join([*lines, ""] if more else lines)
    data = text.encode(errors="replace")
    return data[:LARGEST].decode(errors="replace"), more or len(data) > LARGEST


def _shown(extension: str, kind: str, content: Any, rows: int, *, truncated: bool) -> Any:
    return to_java({"extension": extension, "type": kind, "content": content, "maxLine": rows, "truncated": truncated})
