from __future__ import annotations

import io
import re
import secrets

import pytest
from docker import DockerClient

from pytest_kestra.containers import daemon, image
from pytest_kestra.containers.errors import ContainerError
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.install import Installation
from pytest_kestra.engine.progress import LineProgress, SilentProgress
from pytest_kestra.engine.repository import Repository
from pytest_kestra.server.embedded import install_engine
from tests.container.registry import Registry, serving


@pytest.fixture(scope="module")
def installation() -> Installation:
    return install_engine("1.3.31", Home.configured(), Repository.configured(), SilentProgress())


def test_image_is_pulled_with_progress(docker: DockerClient) -> None:
    shown = io.StringIO()
    noise = secrets.token_bytes(3_000_000)
    with serving(Registry("kestra", "test", noise)) as address:
        name = f"{address}/kestra:test"
        daemon.require_image(docker, name, LineProgress(shown))
        try:
            lines = shown.getvalue().splitlines()
            assert lines[0] == f"Pulling the image {name}, needed once"
            assert re.match(r"  [23]\.\d MB in ", lines[-1])
            daemon.require_image(docker, name, LineProgress(shown))
            assert shown.getvalue().splitlines() == lines
        finally:
            docker.images.remove(name)


def test_image_that_does_not_exist(docker: DockerClient) -> None:
    with serving(Registry("kestra", "test", b"")) as address, pytest.raises(ContainerError) as caught:
        daemon.require_image(docker, f"{address}/kestra:other", SilentProgress())
    assert f"The image {address}/kestra:other cannot be pulled: " in str(caught.value)


def test_built_image_replaces_the_one_before(docker: DockerClient, installation: Installation) -> None:
    tag = image.name(f"test-{secrets.token_hex(4)}")
    try:
        first = image.build(docker, installation, tag, SilentProgress())
        second = image.build(docker, installation, tag, SilentProgress())

        there = {one.id for one in docker.images.list(all=True)}
        assert second in there
        assert first == second or first not in there
        assert image.made_here(docker, tag)
    finally:
        docker.images.remove(tag)


def test_tag_without_a_version(docker: DockerClient, installation: Installation) -> None:
    with pytest.raises(ContainerError, match=r"The tag 'kestra' has no version: pytest-kestra/kestra:1\.3\.31 has one"):
        image.build(docker, installation, "kestra", SilentProgress())


def test_image_that_is_not_there_was_not_made_here(docker: DockerClient) -> None:
    assert not image.made_here(docker, "pytest-kestra/nothing:1")
