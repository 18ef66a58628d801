from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker as docker_sdk
import polling2
import pytest
from docker import errors
from filelock import FileLock

from pytest_kestra.containers import daemon
from pytest_kestra.containers import image as images
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.containers.keeper import LABEL_FOLDER
from pytest_kestra.engine.home import VARIABLE, Home
from pytest_kestra.engine.lock import resolve_version
from pytest_kestra.engine.progress import SilentProgress
from pytest_kestra.engine.repository import Repository
from pytest_kestra.server.embedded import install_engine
from tests.container.projects import FLOW, SECRET, SLOW, Project
from tests.waits import WAIT_S

IMAGES = {line: images.name(f"tests-{line}") for line in ("1.3", "2.0")}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the images when all workers have ended."""
    if hasattr(session.config, "workerinput"):
        return
    for name in IMAGES.values():
        with contextlib.suppress(ContainerError, errors.DockerException), daemon.connected() as client:
            client.images.remove(name)


@pytest.fixture(scope="session")
def docker() -> Iterator[docker_sdk.DockerClient]:
    """Return a client of this machine's Docker engine; without one, a test is skipped with the reason."""
    if sys.platform != "linux":
        pytest.skip("the image for these tests is made of a Linux machine's files")
    try:
        with daemon.connected() as client:
            yield client
    except ContainerError as error:
        pytest.skip(str(error).splitlines()[0])


@pytest.fixture(scope="session")
def image_of(
    docker: docker_sdk.DockerClient, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str], str]:
    """Return what gives the name of an image with this checkout's engine of a line, made once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent

    def image_of(line: str) -> str:
        made = shared / f"image-{line}"
        with FileLock(made.with_suffix(".lock")):
            if not made.exists():
                progress = SilentProgress()
                version = resolve_version(line)
                installation = install_engine(version, Home.configured(), Repository.configured(), progress)
                images.build(docker, installation, IMAGES[line], progress)
                made.touch()
        return IMAGES[line]

    return image_of


@pytest.fixture(scope="session")
def image(image_of: Callable[[str], str]) -> str:
    """Return the name of the image of 1.3."""
    return image_of("1.3")


def containers(docker: docker_sdk.DockerClient, below: Path) -> list[str]:
    """Return the ids of the containers whose keeper works, or has worked, below a folder."""
    found = docker.containers.list(all=True, filters={"label": LABEL_FOLDER}, ignore_removed=True)
    return [str(one.id) for one in found if Path(one.labels[LABEL_FOLDER]).is_relative_to(below)]


@pytest.fixture
def project(
    pytester: pytest.Pytester, image: str, docker: docker_sdk.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Return a project; nothing may be left of its runs."""
    monkeypatch.setenv(VARIABLE, str(Home.configured().root))
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("tmp")))
    pytester.makefile(".yaml", orders=FLOW, slow=SLOW)
    pytester.makeconftest(f"""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_secrets():
            return {{"FRUIT": "{SECRET}"}}
    """)
    yield Project(pytester, image)
    polling2.poll(lambda: not containers(docker, pytester.path), step=0.1, timeout=WAIT_S)
    polling2.poll(lambda: not list(pytester.path.glob("tmp/pytest-kestra-*")), step=0.1, timeout=WAIT_S)
