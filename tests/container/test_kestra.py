"""KestraContainer on its own, as who uses testcontainers would use it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from docker import DockerClient
from testcontainers.core.exceptions import ContainerStartException

from pytest_kestra import Address, Client, KestraContainer
from pytest_kestra.run.kestra import Kestra

FLOW = """\
id: say
namespace: company.team
tasks:
  - {id: secret, type: io.kestra.plugin.core.debug.Return, format: "{{ secret('FRUIT') }}"}
  - {id: color, type: io.kestra.plugin.core.debug.Return, format: "{{ globals.color }} {{ globals.shape }}"}
  - id: seen
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ['echo "$CITY"', cat /data/file]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "file").write_text("from a volume\n")
    with zipfile.ZipFile(folder / "plugin.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    return folder


@pytest.fixture(scope="module")
def kestra(image: str, data: Path) -> Iterator[KestraContainer]:
    """Return a container that is used by all tests here; a proxy of the environment does not lead to it."""
    container = KestraContainer(
        image,
        secrets={"FRUIT": "plum"},
        env={"CITY": "Lima", "KESTRA_CONFIGURATION": "kestra: {variables: {globals: {color: red, shape: round}}}"},
        volumes=[(str(data), "/data", "ro")],
    )
    container.with_configuration({"kestra": {"variables": {"globals": {"color": "blue"}}}})
    container.with_plugin(data / "plugin.jar")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        container.start()
    yield container
    container.stop()


def address(container: KestraContainer) -> Address:
    return Address(container.get_url(), container.username, container.password)


def test_flow_sees_secrets_configuration_environment_and_volumes(kestra: KestraContainer) -> None:
    with Client(address(kestra)) as client, Kestra(client, namespace="t") as used:
        execution = used.deploy(FLOW).run()

        assert execution.state == "SUCCESS"
        assert [execution.task(task).outputs["value"] for task in ("secret", "color")] == ["plum", "blue round"]
        assert execution.logs(task="seen", matching="Lima|from").messages == ["Lima", "from a volume"]


def test_health_needs_no_credentials(kestra: KestraContainer) -> None:
    assert httpx.get(f"{kestra.get_management_url()}/health").json()["status"] == "UP"
    assert httpx.get(f"{kestra.get_url()}/api/v1/main/flows/search").status_code == 401


def test_only_this_machine_reaches_it(kestra: KestraContainer, docker: DockerClient) -> None:
    ports = docker.containers.get(kestra.get_container_id()).ports

    assert {binding["HostIp"] for bindings in ports.values() for binding in bindings or ()} == {"127.0.0.1"}


def test_plugins_are_in_their_folder(kestra: KestraContainer) -> None:
    assert kestra.exec(["ls", "/app/plugins"]).output == b"plugin.jar\n"


def test_log_is_quiet(kestra: KestraContainer) -> None:
    assert "ERROR" not in kestra.log_tail()


def test_container_that_ends_while_it_starts_is_told_at_once(image: str) -> None:
    with pytest.raises(ContainerStartException) as caught, KestraContainer(image, command="server nothing"):
        pass
    assert str(caught.value) == (
        "The Kestra container ended with the exit code 1 while it started.\n"
        "The last lines of its log:\n"
        "This image takes the command `server local` or `server standalone`, not `server nothing`."
    )


def test_container_that_never_answers(image: str, docker: DockerClient) -> None:
    # A program that only waits.
    container = KestraContainer(image, startup_timeout=0.5, entrypoint=["sleep", "600"], command="")
    with pytest.raises(TimeoutError, match=r"The Kestra container was not ready after 0\.5 s\. Its log is empty\."):
        container.start()
    found = container.get_container_id()
    container.stop()

    assert found not in [one.id for one in docker.containers.list(all=True)]
