"""Making an image of this machine's files, as far as no Docker is needed for it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker.errors
import pytest
import requests

from pytest_kestra.containers import image, rootfs
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.progress import SilentProgress

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images are made of a Linux machine's files")
TAG = "pytest-kestra/kestra:1.3.31"


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "files", lambda _: [])


def build(tag: str = TAG, got: Exception | None = None, imported: Exception | str = "") -> str:
    def images_get(_: str) -> Any:
        raise got or docker.errors.ImageNotFound("nothing")

    def import_image(chunks: Any, **_: Any) -> str:
        assert b"".join(chunks)
        if isinstance(imported, Exception):
            raise imported
        return imported

    client: Any = SimpleNamespace(
        images=SimpleNamespace(get=images_get), api=SimpleNamespace(import_image_from_stream=import_image)
    )
    jar = Path("kestra.jar")
    installation = Installation("1.3.31", Path(), [jar], jar, jar, None, None, Path("libjvm.so"))
    return image.build(client, installation, tag, SilentProgress())


def refused(text: str) -> docker.errors.APIError:
    return docker.errors.APIError("400 Client Error", explanation=text)


def test_image_is_imported() -> None:
    assert build(imported='{"status": "sha256:12"}') == "sha256:12"


def test_tag_that_docker_does_not_take() -> None:
    with pytest.raises(ContainerError) as raised:
        build("My/Kestra:1.3", got=refused("invalid reference format: repository name must be lowercase"))

    assert str(raised.value) == (
        "Docker does not take the tag 'My/Kestra:1.3': invalid reference format: repository name must be lowercase. "
        "Name another with --tag, in small letters."
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refused("no space left on device"), "no space left on device."),
        (requests.ConnectionError("it broke"), "it broke."),
        ('{"error": "no such change"}', "no such change"),
    ],
)
def test_import_that_docker_refuses(answer: Exception | str, told: str) -> None:
    with pytest.raises(ContainerError) as raised:
        build(imported=answer)

    assert str(raised.value) == f"Docker did not import the image {TAG}: {told}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
def test_folder_for_temporary_files_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: open("/dev/full", "r+b", buffering=0))  # noqa: PTH123, SIM115
    with pytest.raises(ContainerError) as raised:
        build()

    assert str(raised.value).startswith(
        f"The files of the image cannot be collected: {tempfile.gettempdir()}: No space left on device. Until Docker "
    )


def test_paths_with_blanks_are_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/home/ada/my $venv/bin/python")
    monkeypatch.setattr(rootfs, "search_path", lambda: ["/home/ada/my packages", '/a"b'])

    first, entry, *_ = image._changes()

    assert first.startswith('ENV PATH="/home/ada/my \\$venv/bin:/usr/local/bin:/usr/bin:/bin" ')
    assert ' PYTHONPATH="/home/ada/my packages:/a\\"b" PYTHONUTF8="1" ' in first
    assert entry.startswith('ENTRYPOINT ["/home/ada/my $venv/bin/python", ')
