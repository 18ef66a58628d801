"""Runs of pytest with Kestra in a container: one for all workers, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polling2
import pytest
from docker import DockerClient

from pytest_kestra.cli import main
from pytest_kestra.engine.home import VARIABLE
from tests.container.conftest import containers
from tests.container.projects import SECRET, Project
from tests.container.registry import Registry, serving
from tests.waits import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
PASSES = """
    def test_it(kestra):
        assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
"""


@pytest.mark.parametrize(("line", "flows"), [("1.3", "example_flows"), ("2.0", "example_flows/test_04_orders.py")])
def test_example_flows_pass_as_they_are(
    project: Project, image_of: Callable[[str], str], line: str, flows: str
) -> None:
    arguments = Project(project.pytester, image_of(line)).arguments
    command = [sys.executable, "-m", "pytest", flows, "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert " passed in " in done.stdout.splitlines()[-1]
    assert "skipped" not in done.stdout.splitlines()[-1]


def test_job_that_is_in_a_container_itself(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # Kestra is reached in Docker's own network then, and Docker sees none of the job's files.
    monkeypatch.setenv("TESTCONTAINERS_CONNECTION_MODE", "bridge_ip")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    result = project.run("""
        from pathlib import Path

        import docker
        from pytest_kestra.engine.lease import Lease

        def test_it(kestra, kestra_server):
            kestra.mock("done", outputs={"value": "mocked"})
            assert kestra.deploy("orders.yaml").run().task("done").outputs == {"value": "mocked"}

            (file,) = Path("tmp").glob("*/*/engine.json")
            container = docker.from_env().containers.get(Lease.read(file.parent).container)
            (network,) = container.attrs["NetworkSettings"]["Networks"].values()
            assert kestra_server.address.url == f"http://{network['IPAddress']}:8080"
            assert container.attrs["Mounts"] == []
            ports = [binding["HostIp"] for bindings in container.ports.values() for binding in bindings or ()]
            assert set(ports) == {"127.0.0.1"}
    """)

    result.assert_outcomes(passed=1)


def test_workers_share_one_container(project: Project) -> None:
    result = project.run(
        """
        import os
        from pathlib import Path

        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(kestra, kestra_server, number):
            assert kestra_server.kind == "container"
            Path(f"url-{os.environ['PYTEST_XDIST_WORKER']}-{number}").write_text(kestra_server.address.url)
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
        """,
        "-n2",
    )

    result.assert_outcomes(passed=4)
    assert len({file.read_text(encoding="utf-8") for file in project.path.glob("url-*")}) == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_run(project: Project, sent: signal.Signals) -> None:
    with project.begin("""
        def test_it(kestra):
            kestra.deploy("slow.yaml").run()
    """) as process:
        polling2.poll(project.lease, step=0.05, timeout=WAIT_S)
        process.send_signal(sent)
        process.communicate()
    assert process.returncode != 0


@pytest.mark.parametrize(
    ("sent", "workers"), [(signal.SIGKILL, ()), (signal.SIGTERM, ()), (signal.SIGINT, ()), (signal.SIGINT, ("-n2",))]
)
def test_run_that_ends_while_the_container_starts_leaves_nothing(
    project: Project, docker: DockerClient, sent: signal.Signals, workers: tuple[str, ...]
) -> None:
    with project.begin(PASSES, *workers) as process:
        polling2.poll(lambda: containers(docker, project.path), step=0.02, timeout=WAIT_S)
        process.send_signal(sent)
        process.communicate()


def test_container_whose_keeper_was_killed_is_removed_by_the_next(project: Project, docker: DockerClient) -> None:
    with project.begin("""
        def test_it(kestra):
            kestra.deploy("slow.yaml").run()
    """) as process:
        lease = polling2.poll(project.lease, step=0.05, timeout=WAIT_S)
        os.kill(lease.pid, signal.SIGKILL)
        process.kill()
        process.communicate()
    assert lease.container in containers(docker, project.path)
    project.run(PASSES).assert_outcomes(passed=1)


def test_killed_container_is_told_and_the_next_test_gets_another(project: Project) -> None:
    result = project.run("""
        import docker
        import pytest
        from pytest_kestra.engine.lease import Lease

        def test_it(kestra, kestra_server):
            flow = kestra.deploy("orders.yaml")
            client = docker.from_env()
            client.containers.get(Lease.read(kestra_server.folder).container).kill()
            client.close()
            flow.run()

        def test_next(kestra):
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
    """)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*The Kestra container ended with the exit code 137 (SIGKILL, as the system does where memory runs out).*",
            "*Its log, until this run ends: *engine.log*",
        ]
    )


def test_container_that_hangs_is_replaced(project: Project) -> None:
    result = project.run("""
        import docker
        from pytest_kestra.engine.lease import Lease

        def test_it(kestra_server):
            client = docker.from_env()
            client.containers.get(Lease.read(kestra_server.folder).container).pause()
            client.close()
            kestra_server.doubt()

        def test_next(kestra):
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
    """)

    result.assert_outcomes(passed=2)


def test_warm_container_is_used_again_seen_and_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project.path / "home"
    home.mkdir()
    monkeypatch.setenv(VARIABLE, str(home))
    text = """
        from pathlib import Path

        def test_it(kestra, kestra_server):
            assert kestra.deploy("orders.yaml").run().state == "SUCCESS"
            with Path("urls").open("a") as file:
                file.write(kestra_server.address.url + "\\n")
    """
    try:
        for _ in range(2):
            project.run(text, "--kestra-reuse").assert_outcomes(passed=1)
        urls = (project.path / "urls").read_text(encoding="utf-8").split()
        assert len(urls) == 2
        assert len(set(urls)) == 1
        main(["engine", "status"])
        assert f"at {urls[0]}" in capsys.readouterr().out
    finally:
        main(["engine", "stop"])
    assert "1 engine(s) stopped" in capsys.readouterr().out


def test_container_that_does_not_start_shows_its_log(project: Project) -> None:
    project.pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_server_config():
            return {"kestra": {"storage": {"type": "nothing"}}}
    """)
    result = project.run(PASSES)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "The Kestra container ended with the exit code 1 while it started.",
            "The last lines of its log, */engine.log:",
            "*nothing*",
        ]
    )


def test_container_that_starts_too_slowly(project: Project) -> None:
    result = project.run(PASSES, "--kestra-startup-timeout=0.2")

    result.assert_outcomes(errors=1)
    slow = "The Kestra container was not ready after 0.2 s; a slow machine may need a longer --kestra-startup-timeout."
    result.stdout.fnmatch_lines([f"{slow}*"])


def test_image_of_another_version(project: Project) -> None:
    result = project.run(PASSES, "--kestra-version=2.0")

    result.assert_outcomes(errors=1)
    other = "The image * is Kestra 1.3.31, and this run is for 2.0: say --kestra-version=1.3, or name another image."
    result.stdout.fnmatch_lines([other])


def test_no_docker(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project.path}/nothing.sock")
    result = project.run(PASSES)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"No Docker engine answers at unix://{project.path}/nothing.sock: its socket does not exist. Start Docker*"]
    )


def test_image_that_does_not_exist(project: Project) -> None:
    with serving(Registry("kestra", "test", b"")) as address:
        project.arguments[1] = f"--kestra-image={address}/kestra:nothing"
        result = project.run(PASSES)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"The image {address}/kestra:nothing cannot be pulled: *", "To fix this, either:"])


@pytest.mark.parametrize(
    ("volumes", "told"),
    [
        ({"data": "data:xy"}, "The volume '*/data': 'data:xy' is not a path in the container*"),
        ({"data": "/data"}, "The volume */data is not there. Make it, or correct it in kestra_volumes."),
        ({"data": "/app/plugins/"}, "The volume '*/data' would stand before the plugins of /app/plugins, to *"),
        ({"~nobody-here/data": "/data"}, "* the home folder that the volume '~nobody-here/data' begins with. Give *"),
    ],
)
def test_volume_that_is_none(project: Project, volumes: dict[str, str], told: str) -> None:
    project.pytester.makeconftest(f"""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_volumes():
            return {volumes!r}
    """)
    result = project.run(PASSES)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])


def test_no_secret_is_seen(project: Project, docker: DockerClient) -> None:
    """Nor in command lines, of all processes and of the container, nor in its log and labels."""
    result = project.run("""
        import contextlib
        from pathlib import Path

        import docker
        from pytest_kestra.engine.lease import Lease

        def test_it(kestra, kestra_server):
            execution = kestra.deploy("orders.yaml").run()
            lines = []
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    lines.append(file.read_bytes())
            client = docker.from_env()
            container = client.containers.get(Lease.read(kestra_server.folder).container)
            seen = [b" ".join(lines), str(container.labels).encode(), str(container.attrs["Args"]).encode()]
            client.close()
            for log in Path(kestra_server.folder).glob("*.log"):
                seen.append(log.read_bytes())
            for secret in (kestra_server.address.password, "s3cret-plum"):
                assert not any(secret.encode() in text for text in seen)
            assert execution.state == "FAILED"
    """)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*orders is SUCCESS, not FAILED*"])
    assert SECRET not in result.stdout.str()
