"""Which server a run uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_kestra.engine.errors import EngineError
from pytest_kestra.engine.extra import missing_packages
from pytest_kestra.errors import ServerError
from pytest_kestra.server.base import Server
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from pytest_kestra.settings import Settings

if TYPE_CHECKING:
    from pytest_kestra.server.started import StartedServer

INSTALL = '  - install the embedded engine: pip install "pytest-kestra[embedded]"'
EXISTING = "  - use a server that runs: --kestra-server=http://localhost:8080"


def open_server(
    settings: Settings, equipment: Equipment, run: Run, announce: Callable[[], None] | None = None
) -> Server:
    """Return the server that the settings ask for, ready to be used.

    `auto` is the embedded engine where its extra is installed, else a container. ServerError says what was tried, why
    it failed and what to do.
    """
    if settings.server.startswith(("http://", "https://")):
        from pytest_kestra.server.existing import ExistingServer

        return ExistingServer(settings).open()
    if settings.server == "container":
        return _container(settings, equipment, run, announce)
    missing = missing_packages()
    if not missing:
        from pytest_kestra.server.embedded import EmbeddedServer

        return _started(EmbeddedServer, settings, equipment, run, announce)
    reason = f"the extra is not installed (missing: {', '.join(missing)})"
    if settings.server == "embedded":
        raise ServerError(
            f"The embedded engine cannot run: {reason}.\nTo fix this, either:\n{INSTALL}\n"
            f"  - use a container: --kestra-server=container\n{EXISTING}"
        )
    try:
        return _container(settings, equipment, run, announce)
    except ServerError as error:
        from pytest_kestra.containers.daemon import REMEDIES

        why, _, remedies = str(error).partition(REMEDIES)
        raise ServerError(
            f"No Kestra server to run the tests on. What was tried:\n"
            f"  - the embedded engine: {reason}\n"
            f"  - a container: {why.replace(chr(10), chr(10) + '    ')}{REMEDIES}"
            f"{INSTALL}\n{remedies or '  - start Docker'}\n{EXISTING}"
        ) from error


def _container(settings: Settings, equipment: Equipment, run: Run, announce: Callable[[], None] | None) -> Server:
    from pytest_kestra.server.container import ContainerServer

    return _started(ContainerServer, settings, equipment, run, announce)


def _started(
    kind: Callable[..., StartedServer],
    settings: Settings,
    equipment: Equipment,
    run: Run,
    announce: Callable[[], None] | None,
) -> Server:
    try:
        return kind(settings, run, equipment, announce).open()
    except EngineError as error:  # such as a version that there is not
        raise ServerError(str(error)) from error
