"""The Docker engine: reaching it, and having an image there."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import docker
import docker.errors
import requests
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine.progress import Progress

DEFAULT_HOST = "unix:///var/run/docker.sock"
PROBE_TIMEOUT_S = 5.0
# What stands before the remedies of an error.
REMEDIES = "\nTo fix this, either:\n"
REMEDY = "Start Docker (`docker info` shows when it answers), or say with DOCKER_HOST where it is"


@contextlib.contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Give a client of the Docker engine that testcontainers would use; ContainerError says why there is none."""
    with contextlib.ExitStack() as closing:
        with telling():
            client = DockerClient().client
            closing.callback(client.close)
            client.ping()
        yield client


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Let ContainerError say why Docker does not answer who asks for it in the block for the first time."""
    host = get_docker_host() or DEFAULT_HOST
    _probe(host)
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise ContainerError(f"No Docker engine answers at {host}: {reason(error)}. {REMEDY}.") from error


def is_here() -> bool:
    """Say whether the Docker engine sees the files of this machine, as far as its address tells."""
    return urlsplit(get_docker_host() or DEFAULT_HOST).scheme in ("unix", "npipe")


def require_image(client: docker.DockerClient, image: str, progress: Progress) -> None:
    """Pull an image if it is not there yet, and show how far it is; ContainerError says why it cannot be had."""
    image = testcontainers_config.hub_image_name_prefix + image
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        _pull(client, image, progress)
    except docker.errors.APIError as error:
        raise ContainerError(f"Docker does not take the image name {image!r}: {reason(error)}.") from error


def require_reaper(client: docker.DockerClient, progress: Progress) -> None:
    """Have the image of Ryuk, which removes containers whose process has gone, unless the user does without it."""
    if testcontainers_config.ryuk_disabled:
        return
    try:
        require_image(client, testcontainers_config.ryuk_image, progress)
    except ContainerError as error:
        why = str(error).partition(REMEDIES)[0]
        raise ContainerError(
            f"testcontainers needs Ryuk to remove what is left behind. {why}\n"
            "Where it cannot be had, TESTCONTAINERS_RYUK_DISABLED=true does without: pytest-kestra removes its "
            "containers itself, also after a run that was killed."
        ) from error


def _probe(host: str) -> None:
    """Look at a socket of this machine before Docker's client does, which tells less and leaves its own open."""
    where = urlsplit(host)
    if where.scheme != "unix" or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(where.path)
        except PermissionError as error:
            raise ContainerError(
                f"You have no permission to use Docker's socket {where.path}. Add yourself to its group "
                "(`sudo usermod -aG docker $USER`, then log in again), or use rootless Docker with DOCKER_HOST."
            ) from error
        except OSError as error:
            reasons = {errno.ENOENT: "its socket does not exist", errno.ECONNREFUSED: "nothing listens at its socket"}
            why = reasons.get(error.errno or 0, error.strerror or str(error))
            raise ContainerError(f"No Docker engine answers at {host}: {why}. {REMEDY}.") from error


def _pull(client: docker.DockerClient, image: str, progress: Progress) -> None:
    repository, tag = _split(image)
    done: dict[str, int] = {}
    with progress.transfer(f"Pulling the image {image}, needed once", 0) as advance:
        try:
            for line in client.api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    raise ContainerError(_refusal(image, str(line["error"])))
                layer, current = str(line.get("id")), (line.get("progressDetail") or {}).get("current", 0)
                # A small layer is only seen when it is unpacked, of which its packed size is told, too.
                if line.get("status") in ("Downloading", "Extracting") and current > done.get(layer, 0):
                    advance(current - done.get(layer, 0))
                    done[layer] = current
        except docker.errors.DockerException as error:
            raise ContainerError(_refusal(image, reason(error))) from error
        except requests.RequestException as error:
            raise ContainerError(_refusal(image, f"the connection to Docker broke ({reason(error)})")) from error


def _refusal(image: str, why: str) -> str:
    return (
        f"The image {image} cannot be pulled: {why.strip().rstrip('.')}.{REMEDIES}"
        "  - correct its name: --kestra-image, or --kestra-version for the official one\n"
        "  - log in to its registry: docker login\n"
        "  - bring it here by another way: docker load; or make one of this machine's own files: pytest-kestra image "
        "build (with the extra), and name that with --kestra-image"
    )


def _split(image: str) -> tuple[str, str | None]:
    """Return repository and tag; a digest stays with its repository, and `latest` is Docker's own default."""
    if "@" in image:
        return image, None
    repository, colon, tag = image.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "latest")


def reason(error: Exception) -> str:
    """Return what Docker, or its client, says of an error."""
    text = getattr(error, "explanation", None) or str(error)
    return os.linesep.join(line for line in str(text).splitlines() if line.strip())
