"""Kestra in a container as a server: started once for all processes of a run, kept by a process of its own."""

from __future__ import annotations

import contextlib
import posixpath
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from testcontainers.core.config import testcontainers_config

from pytest_kestra.containers import daemon, image
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.containers.keeper import ENDED, FAILED, REMOVE_TIMEOUT_S, Orders
from pytest_kestra.containers.kestra import PLUGINS, USER, made_password, official_image
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.lock import line_of
from pytest_kestra.engine.plugins import STAND_IN, plugin_jars
from pytest_kestra.engine.progress import progress_for
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.spawn import Spawn
from pytest_kestra.server.equipment import Equipment
from pytest_kestra.server.run import Run
from pytest_kestra.server.started import StartedServer
from pytest_kestra.settings import Settings

# What the keeper may take longer than Kestra, so that it is the one who tells why Kestra does not start.
KEEPER_TIMEOUT_S = 60.0
MODES = ("ro", "rw")


class ContainerServer(StartedServer):
    """Start Kestra in a container, or use the one that another process of this run has started."""

    kind = "container"
    what = "The Kestra container"

    def __init__(
        self, settings: Settings, run: Run, equipment: Equipment, announce: Callable[[], None] | None = None
    ) -> None:
        self.image = settings.image or official_image(settings.version)
        super().__init__(settings, run, equipment, announce, made_of=[self.image, settings.docker_socket])
        self.capabilities |= {"container"}

    def start(self) -> Lease:
        """Pull the image if need be and start a container; EngineError says why it does not start."""
        progress = progress_for(sys.stderr, self.announce)
        repository = Repository.configured(self.settings.repository)
        jars = plugin_jars(self.equipment.plugins, home=self.home, repository=repository, progress=progress)
        jars.append(STAND_IN)
        with daemon.connected() as client:
            daemon.require_image(client, self.image, progress)
            daemon.require_reaper(client, progress)
        password = made_password()
        volumes = [_volume(here, there) for here, there in self.equipment.volumes.items()]
        spawn = Spawn(
            what=self.what,
            module="pytest_kestra.containers.keeper",
            folder=self.folder,
            orders=lambda log: self._orders(password, log, jars, volumes).dumps(),
            password=password,
            timeout=self.settings.startup_timeout + KEEPER_TIMEOUT_S,
            grace=REMOVE_TIMEOUT_S,
            why=lambda: self._noted(FAILED),
        )
        return spawn.start()

    def ending(self) -> str | None:
        """Say how the container has ended, and where its log is; None where it has not."""
        if self._lease is None:
            return None
        how = self._noted(ENDED)
        told = None if how else super().ending()
        # The keeper may have written it while it was waited for.
        how = how or self._noted(ENDED)
        return self._ending(how, self._lease) if how else told

    def _noted(self, name: str) -> str | None:
        """Return what the keeper has written into a file; None where it has not."""
        with contextlib.suppress(OSError):
            return (self.folder / name).read_text(encoding="utf-8") or None
        return None

    def _use(self, lease: Lease) -> None:
        wished = self.settings.version
        # Who names an image only has not thought of a version.
        if wished != Settings.version and not f"{lease.version}.".replace("-", ".").startswith(f"{wished}."):
            raise ContainerError(
                f"The image {self.image} is Kestra {lease.version}, and this run is for {wished}: say "
                f"--kestra-version={line_of(lease.version)}, or name another image."
            )
        super()._use(lease)
        with daemon.connected() as client:
            if not image.made_here(client, self.image):
                self.capabilities |= {"pages"}

    def _orders(self, password: str, log: str, jars: Sequence[Path], volumes: Sequence[tuple[str, str, str]]) -> Orders:
        equipment, settings = self.equipment, self.settings
        # A flow that calls the server's own API finds its credentials as on the embedded engine.
        secrets = {"KESTRA_API_USER": USER, "KESTRA_API_PASSWORD": password, **equipment.secrets}
        return Orders(
            image=self.image,
            folder=str(self.folder),
            log=log,
            user=USER,
            password=password,
            startup_timeout=settings.startup_timeout,
            configuration=dict(equipment.config),
            secrets=secrets,
            environment=dict(equipment.environment),
            volumes=list(volumes),
            plugins=[str(jar) for jar in jars],
            docker_socket=testcontainers_config.ryuk_docker_socket if settings.docker_socket else None,
            owner_lock=str(self.owner_lock) if self.owner_lock else None,
        )


def _volume(here: str, there: str) -> tuple[str, str, str]:
    path, colon, mode = there.rpartition(":")
    if not colon:
        path, mode = there, "ro"
    if mode not in MODES or not path.startswith("/"):
        raise ContainerError(
            f"The volume {here!r}: {there!r} is not a path in the container, such as /data, /data:ro or /data:rw. "
            "Correct it in kestra_volumes."
        )
    if posixpath.normpath(path) == PLUGINS:
        raise ContainerError(
            f"The volume {here!r} would stand before the plugins of {PLUGINS}, to which this run adds its own. Name "
            "its jars in kestra_plugins instead."
        )
    try:
        found = Path(here).expanduser().absolute()
    except RuntimeError:
        raise ContainerError(
            f"This machine does not know the home folder that the volume {here!r} begins with. Give a whole path in "
            "kestra_volumes."
        ) from None
    # Docker would make an empty folder of it.
    if not found.exists() and daemon.is_here():
        raise ContainerError(f"The volume {found} is not there. Make it, or correct it in kestra_volumes.")
    return str(found), path, mode
