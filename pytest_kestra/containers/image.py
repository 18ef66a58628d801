"""An image of Kestra that is made of this machine's own files, for who cannot pull the official one.

It holds the embedded engine, and is told what to do as the official image is: `KESTRA_CONFIGURATION`, `SECRET_…`,
`/app/plugins`, the ports 8080 and 8081. Other plugins than the engine's own are not in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import docker
import docker.errors
import requests

from pytest_kestra.containers import archive, daemon, rootfs
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine import container
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.progress import Progress

REPOSITORY = "pytest-kestra/kestra"
LABEL = "pytest-kestra.image"
CHUNK = 1 << 20


def name(version: str) -> str:
    """Return what the image of a version is called when nobody says otherwise."""
    return f"{REPOSITORY}:{version}"


def build(client: docker.DockerClient, installation: Installation, tag: str, progress: Progress) -> str:
    """Make the image with a tag from an installed engine, and return its id; it replaces one of the same tag.

    ContainerError where this machine's files cannot be used in a container, or Docker refuses the image.
    """
    if sys.platform != "linux":
        raise ContainerError(
            f"An image of this machine's own files can be made on Linux only, not on {platform.system()}: make it "
            "there, and take it along with `docker save` and `docker load`."
        )
    repository, _, version = tag.rpartition(":")
    if not repository or "/" in version:
        raise ContainerError(f"The tag {tag!r} has no version: {name(installation.version)} has one.")
    before = _id(client, tag)
    with tempfile.TemporaryFile() as file:
        with progress.step(f"Collecting the files of Kestra {installation.version}"):
            texts = {**rootfs.USERS, str(container.ENGINE).lstrip("/"): container.described(installation)}
            try:
                archive.write(file, rootfs.files(installation), texts, rootfs.FOLDERS)
                file.seek(0)
            except OSError as error:
                where = error.filename or tempfile.gettempdir()
                raise ContainerError(
                    f"The files of the image cannot be collected: {where}: {error.strerror}. Until Docker has them, "
                    "they are in the folder for temporary files, which TMPDIR names, and take about 0.5 GiB there."
                ) from error
        with progress.step(f"Importing the image {tag}"):
            # Docker's client says that such a stream comes in chunks, and an iterator does.
            chunks = iter(lambda: file.read(CHUNK), b"")
            try:
                told = client.api.import_image_from_stream(
                    chunks, repository=repository, tag=version, changes=_changes()
                )
            except (docker.errors.DockerException, requests.RequestException) as error:
                raise ContainerError(f"Docker did not import the image {tag}: {daemon.reason(error)}.") from error
    answer = json.loads(told.splitlines()[-1])
    if "error" in answer:
        raise ContainerError(f"Docker did not import the image {tag}: {answer['error']}")
    made = str(answer["status"])
    if before not in (None, made):
        with contextlib.suppress(docker.errors.APIError):  # a container still uses it
            client.images.remove(before)
    return made


def made_here(client: docker.DockerClient, image: str) -> bool:
    """Say whether an image is one of these, which have no user interface."""
    try:
        return LABEL in (client.images.get(image).labels or {})
    except docker.errors.ImageNotFound:
        return False


def _id(client: docker.DockerClient, tag: str) -> str | None:
    try:
        return str(client.images.get(tag).id)
    except docker.errors.ImageNotFound:
        return None
    except docker.errors.APIError as error:
        raise ContainerError(
            f"Docker does not take the tag {tag!r}: {daemon.reason(error)}. Name another with --tag, in small letters."
        ) from error


def _changes() -> list[str]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
    variables = {"PATH": programs, "PYTHONPATH": os.pathsep.join(rootfs.search_path()), "PYTHONUTF8": "1"}
    variables |= {"LANG": "C.UTF-8", "HOME": "/tmp"}  # noqa: S108 - of the container
    entry = [sys.executable, "-m", "pytest_kestra.engine.container"]
    return [
        f"ENV {' '.join(f'{name}={_quoted(value)}' for name, value in variables.items())}",
        f"ENTRYPOINT {json.dumps(entry)}",
        'CMD ["server", "local"]',
        "WORKDIR /app",
        *(f"EXPOSE {port}" for port in container.PORTS),
        f"LABEL {LABEL}=true",
    ]


def _quoted(text: str) -> str:
    """Return a text as a Dockerfile has it that may hold blanks, quotes and dollar signs."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")
