"""The engine as the process of a container, told what to do as Kestra's official image is.

`KESTRA_CONFIGURATION` holds the whole configuration, secrets are variables `SECRET_…`, plugins are jars in
`/app/plugins`; the API is served at port 8080, health at 8081 too. See https://kestra.io/docs/configuration.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_kestra.engine.configuration import nested
from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.lease import LOG_NAME
from pytest_kestra.engine.process import Orders, main

# Where the image says what is in it.
ENGINE = Path("/app/engine.json")
PLUGINS = Path("/app/plugins")
PORTS = (8080, 8081)
CONFIGURATION = "KESTRA_CONFIGURATION"
# Both commands of the official image that run all of Kestra in one process.
COMMANDS = (["server", "local"], ["server", "standalone"])
USER, PASSWORD = (f"kestra.server.basic-auth.{name}" for name in ("username", "password"))
KEY = "kestra.encryption.secret-key"


def described(installation: Installation) -> str:
    """Return as JSON what an image must tell about the engine in it."""
    class_path = [installation.engine_jar, *installation.jars, installation.scripts_jar]
    values = {
        "library": str(installation.jvm),
        "class_path": list(map(str, class_path)),
        "version": installation.version,
        "options": [f"-XX:AOTCache={installation.aot_cache}"] if installation.aot_cache else [],
        "tables": str(installation.tables) if installation.tables else None,
    }
    return json.dumps(values)


def orders(
    engine: Mapping[str, Any], environ: Mapping[str, str], arguments: Sequence[str], plugins: Path = PLUGINS
) -> Orders:
    """Return what the engine is to do; EngineError says what the container was told wrongly."""
    if list(arguments) not in COMMANDS:
        known = " or ".join(f"`{' '.join(command)}`" for command in COMMANDS)
        raise EngineError(f"This image takes the command {known}, not `{' '.join(arguments)}`.")
    configuration = _configuration(environ.get(CONFIGURATION, ""))
    for name in (USER, PASSWORD):
        if not configuration.get(name):
            raise EngineError(f"{CONFIGURATION} has no {name}: the engine serves nobody without credentials.")
    return Orders(
        **engine,
        folder=tempfile.mkdtemp(prefix="kestra-"),
        log=LOG_NAME,
        user=str(configuration.pop(USER)),
        password=str(configuration.pop(PASSWORD)),
        encryption_key=str(configuration.get(KEY) or base64.b64encode(secrets.token_bytes(32)).decode()),
        startup_timeout=float(environ.get("KESTRA_STARTUP_TIMEOUT", "300")),
        plugins=str(plugins) if any(plugins.glob("*.jar")) else None,
        configuration=configuration,
        host="0.0.0.0",  # noqa: S104 - the container's own network; what is published decides who starts it
        ports=list(PORTS),
    )


def _configuration(text: str) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise EngineError(f"{CONFIGURATION} is no YAML: {error}") from error
    if not isinstance(values, (dict, type(None))):
        raise EngineError(f"{CONFIGURATION} is no mapping.")
    return nested(values or {})


if __name__ == "__main__":
    try:
        told = orders(json.loads(ENGINE.read_text(encoding="utf-8")), os.environ, sys.argv[1:])
    except EngineError as error:
        sys.exit(str(error))
    main(told)
