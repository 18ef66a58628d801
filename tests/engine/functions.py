"""Ask Kestra's own H2Functions and the engine's the same questions, in one virtual machine, and print what they say.

Each comes from class loaders that share nothing, so that both have the name which the database knows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_kestra.engine import jvm

NAME = "io.kestra.runner.h2.H2Functions"


def main() -> None:
    """Read files and questions as JSON, write the answers of both."""
    told = json.load(sys.stdin)
    jvm.start(Path(told["library"]), [Path(jar) for jar in told["jars"]], Path(told["folder"]))
    own = [told["engine_jar"], *told["jars"]]
    json.dump(
        {"kestra": _answers(told["jars"], told["questions"]), "own": _answers(own, told["questions"])}, sys.stdout
    )


def _answers(jars: Sequence[str], questions: Sequence[tuple[str, list[str | None]]]) -> dict[str, Any]:
    import jpype

    urls = [jvm.java("java.io.File")(jar).toURI().toURL() for jar in jars]
    platform = jvm.java("java.lang.ClassLoader").getPlatformClassLoader()
    loader = jvm.java("java.net.URLClassLoader")(urls, platform)
    jvm.java("java.lang.Thread").currentThread().setContextClassLoader(loader)
    found = loader.loadClass(NAME)
    functions = jpype.JClass(found)
    return {
        "jar": Path(str(found.getProtectionDomain().getCodeSource().getLocation().getPath())).name,
        "methods": sorted(
            f"{method.getReturnType().getTypeName()} {method.getName()}"
            f"({', '.join(kind.getTypeName() for kind in method.getParameterTypes())})"
            for method in found.getDeclaredMethods()
            if jvm.java("java.lang.reflect.Modifier").isPublic(method.getModifiers())
        ),
        "answers": [_answer(getattr(functions, name), arguments) for name, arguments in questions],
    }


def _answer(function: Any, arguments: list[str | None]) -> Any:
    import jpype

    try:
        value = function(*arguments)
    except jpype.JException as error:
        return {"raised": str(error.getClass().getName()), "message": str(error.getMessage())}
    if value is None:
        return None
    if isinstance(value, jpype.JArray):
        return {"type": "String[]", "items": [str(item) for item in value]}
    # As text, since JSON has no infinite numbers.
    return {"type": type(value).__name__, "text": str(value)}


if __name__ == "__main__":
    main()
