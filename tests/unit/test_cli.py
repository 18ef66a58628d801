from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from pytest_kestra import cli
from pytest_kestra.engine import extra
from pytest_kestra.engine.alive import hold
from pytest_kestra.engine.home import VARIABLE
from pytest_kestra.engine.lease import Lease
from pytest_kestra.server import existing
from pytest_kestra.states import State
from pytest_kestra.suites import recording
from tests.unit.conftest import Stub


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    # Where other runs are not seen.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("arguments", [(), ("engine",), ("engine", "restart"), ("engine", "logs", "-n", "x")])
def test_wrong_arguments_show_the_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)

    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: pytest-kestra")


def test_help_names_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["engine", "--help"])

    text = capsys.readouterr().out
    assert all(f"  {action} " in text for action in ("install", "start", "stop", "status", "logs"))


def test_only_servers_with_an_address_are_cleaned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_KESTRA_SERVER", raising=False)

    assert cli.main(["clean"]) == 1
    assert capsys.readouterr().err == (
        "pytest-kestra: Which server is to be cleaned? Give its address: --server=http://localhost:8080.\n"
    )


@pytest.mark.parametrize("age", ["1", "h", "-1h", "1.5h", "1w"])
def test_age_that_is_none_shows_the_usage(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["clean", f"--older-than={age}"])

    assert f"{age!r} is not a time such as 30m, 2h or 1d" in capsys.readouterr().err


@pytest.mark.parametrize("age", ["999999999999d", "999999999d", "36526d"])
def test_age_that_is_too_long_shows_the_usage(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["clean", f"--older-than={age}"])

    assert f"{age!r} is more than a hundred years" in capsys.readouterr().err


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand for a server with an execution; return what was asked of it."""
    asked: list[str] = []
    record = SimpleNamespace(state=State("SUCCESS"), namespace="company.team", flow_id="f", revision=1)

    def get(*names: object) -> object:
        asked.append(str(names[0]))
        return record

    opened = SimpleNamespace(address=SimpleNamespace(url="http://kestra:8080"))
    monkeypatch.setattr(existing.ExistingServer, "open", lambda _: opened)
    client = SimpleNamespace(executions=SimpleNamespace(get=get), flows=SimpleNamespace(get=get))
    monkeypatch.setattr("pytest_kestra.client.client.Client", lambda _: contextlib.nullcontext(client))
    monkeypatch.setattr(recording, "Recording", lambda *_: SimpleNamespace(text=lambda: "id: recorded\n"))
    return asked


def record(output: Path) -> int:
    return cli.main(["record", "x", "--server=http://kestra:8080", f"--output={output}"])


def test_recording_is_written_also_into_a_new_folder(home: Path, recorded: list[str]) -> None:
    output = home / "new" / "suites" / "x.yaml"

    assert record(output) == 0
    assert recorded == ["x", "company.team"]
    assert output.read_text(encoding="utf-8") == "id: recorded\n"


def test_recording_that_is_there_is_told_before_anything_is_asked(
    home: Path, recorded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (output := home / "x.yaml").touch()

    assert record(output) == 1
    assert capsys.readouterr().err == f"pytest-kestra: {output} is there already: name another file.\n"
    assert recorded == []


def test_recording_that_cannot_be_written(home: Path, recorded: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (home / "file").touch()
    output = home / "file" / "x.yaml"

    assert record(output) == 1
    assert capsys.readouterr().err == f"pytest-kestra: {output} cannot be written: File exists. Name another file.\n"
    assert recorded


def test_nothing_is_installed_and_nothing_runs(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert [cli.main(["engine", action]) for action in ("status", "stop", "logs")] == [0, 0, 0]

    assert capsys.readouterr().out.splitlines() == [
        f"Folder: {home}",
        "Installed: nothing; run: pytest-kestra engine install",
        "Running: nothing",
        "No engine was running",
        "There is no log: no engine was started; do it with: pytest-kestra engine start",
    ]


def test_status_shows_engines_of_test_runs_and_cleans_stale_leases(
    stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub.on("GET", "/api/v1/configs", "{}")
    stale, warm, of_run = home / "warm" / "a", home / "warm" / "b", home / "pytest-kestra-x" / "engine-c"
    for number, folder in enumerate((stale, warm, of_run)):
        folder.mkdir(parents=True)
        Lease(stub.url, "ada", "s3cret", "1.3.31", number).write(folder)
    locks = [hold(folder) for folder in (warm, of_run)]

    assert cli.main(["engine", "status"]) == 0

    assert capsys.readouterr().out.splitlines()[2:] == [
        f"Running: Kestra 1.3.31 at {stub.url}, process 1",
        f"Running: Kestra 1.3.31 at {stub.url}, process 2, used by a test run, with which it ends",
    ]
    assert [Lease.read(folder) is not None for folder in (stale, warm, of_run)] == [False, True, True]
    for lock in locks:
        lock.release()
    assert cli.main(["engine", "stop"]) == 0
    assert capsys.readouterr().out == "No engine was running\n"
    assert Lease.read(of_run) is not None


def test_stop_removes_what_engines_have_left_that_do_not_live(home: Path) -> None:
    dead, starts, lives = (home / "warm" / name for name in ("dead", "starts", "lives"))
    for folder in (dead, starts, lives):
        (folder / "plugins").mkdir(parents=True)
        (folder / "plugins" / "our.jar").touch()
    locks = [hold(lives), FileLock(starts / "start.lock").acquire().lock]
    # Neither its lease nor its number is there yet, so that it cannot be ended.
    (lives / "alive.pid").unlink()

    assert cli.main(["engine", "stop"]) == 0

    assert sorted((home / "warm").iterdir()) == [lives, starts]
    assert [path.name for path in (lives / "plugins").iterdir()] == ["our.jar"]
    for lock in locks:
        lock.release()


def test_empty_log_is_good_news(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    log = home / "warm" / "1.3.31" / "engine.log"
    log.parent.mkdir(parents=True)
    log.touch()

    assert cli.main(["engine", "logs"]) == 0
    assert capsys.readouterr().out == (
        f"The log is empty, and that is good: an engine writes warnings and errors only ({log})\n"
    )


def test_log_ends_with_what_was_written_last(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    log = home / "warm" / "1.3.31" / "engine.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n", encoding="utf-8")

    assert cli.main(["engine", "logs", "--lines", "2"]) == 0
    assert capsys.readouterr().out == "two\nthree\n"


@pytest.mark.parametrize("action", ["install", "start"])
def test_unknown_version_is_told_in_a_sentence(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["engine", action, "--version", "0.9"]) == 1
    assert capsys.readouterr().err.startswith("pytest-kestra: The embedded engine has no Kestra 0.9; it has: ")


def test_missing_extra_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda _: None)

    assert cli.main(["engine", "install"]) == 1
    assert 'needs the extra: pip install "pytest-kestra[embedded]"' in capsys.readouterr().err


def test_no_network_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_M2", str(tmp_path / "m2"))
    monkeypatch.setattr("pytest_kestra.engine.remote.BACKOFF_S", 0)

    assert cli.main(["engine", "install", "--repository", "http://127.0.0.1:9/maven2"]) == 1

    error = capsys.readouterr().err
    assert "could not be downloaded from http://127.0.0.1:9/maven2: [Errno 111] Connection refused." in error
    assert "Set PYTEST_KESTRA_REPOSITORY to a mirror that can be reached" in error
    assert "Traceback" not in error


def test_interruption_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_kestra.server.embedded.install_engine", interrupted)

    assert cli.main(["engine", "install"]) == 130
    assert capsys.readouterr().err == "\npytest-kestra: interrupted; what was downloaded is kept\n"


FLOWS = "/api/v1/main/flows"
GOOD = "id: good\nnamespace: a.b\ntasks: []\n"
DOUBTFUL = "id: doubtful\nnamespace: a.b\ntasks: [{id: t, type: a.B, message: '{{ trigger.x }}'}]\n"


@pytest.fixture
def folder(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two flows, and the address of a server that finds nothing wrong with them."""
    stub.on("GET", "/api/v1/configs", '{"version": "1.3.31"}')
    stub.on("GET", f"{FLOWS}/search", '{"results": [], "total": 0}')
    stub.on("POST", f"{FLOWS}/validate", '[{"index": 0, "flow": "f"}]')
    monkeypatch.setenv("PYTEST_KESTRA_SERVER", stub.url)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "good.yaml").write_text(GOOD)
    (folder / "doubtful.yaml").write_text(DOUBTFUL)
    monkeypatch.chdir(folder)
    return folder


WARNING = "doubtful.yaml:3: warning: `trigger.x`: the flow has no triggers, so that nothing sets it."


def test_validate_prints_what_it_finds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", str(folder)]) == 0
    assert capsys.readouterr().out == f"{WARNING}\n2 flows, 0 errors, 1 warning\n"


def test_validate_can_be_strict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", ".", "--strict"]) == 1
    assert capsys.readouterr().out == f"{WARNING.replace('warning', 'error')}\n2 flows, 1 error, 0 warnings\n"


def test_validate_tells_of_all_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.yaml").write_text("id: a\ntasks: [\n")

    assert cli.main(["validate", "."]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == ["broken.yaml", "doubtful.yaml"]
    assert lines[-1] == "3 flows, 1 error, 1 warning"


@pytest.mark.parametrize(
    ("form", "start"), [("json", '{\n  "flows": 1'), ("github", "::warning file=doubtful.yaml,line=3::")]
)
def test_validate_has_other_formats(folder: Path, capsys: pytest.CaptureFixture[str], form: str, start: str) -> None:
    assert cli.main(["validate", str(folder / "doubtful.yaml"), "--format", form]) == 0
    assert capsys.readouterr().out.startswith(start)


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("1", False)])
def test_validate_has_colours_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str, *, coloured: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", variable)

    assert cli.main(["validate", str(folder)]) == 0
    assert ("\033[33m" in capsys.readouterr().out) is coloured


def test_validate_asks_one_version(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_KESTRA_VERSION", "1.3 2.0")

    assert cli.main(["validate", str(folder)]) == 2
    assert capsys.readouterr().err == (
        "pytest-kestra: the environment variable PYTEST_KESTRA_VERSION: there are several versions, and flows are "
        "checked with one of them. Name it with --version.\n"
    )
    assert cli.main(["validate", str(folder), "--version", "2.0"]) == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "pytest-kestra: nowhere: there is no such file or folder.\n"),
        (["empty"], "pytest-kestra: There is no flow in empty: YAML with `id`, `namespace` and `tasks`.\n"),
        (
            [".", "--server", "nothing"],
            "pytest-kestra: --server: 'nothing' is not auto, embedded, container or the http:// address",
        ),
        ([".", "--server", "http://127.0.0.1:9"], "pytest-kestra: No Kestra server answers at http://127.0.0.1:9: "),
    ],
)
def test_validate_tells_in_a_sentence_why_it_cannot(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    (folder / "empty").mkdir()

    assert cli.main(["validate", *arguments]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(expected)
    assert "--kestra" not in printed.err


def test_validate_with_wrong_credentials(folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("GET", f"{FLOWS}/search", "{}", 401)

    assert cli.main(["validate", str(folder)]) == 2
    assert "refused who gives no user (401).\nSet the credentials in PYTEST_KESTRA_USER" in capsys.readouterr().err


def test_validate_without_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda _: None)

    assert cli.main(["validate", str(folder), "--server", "embedded"]) == 2
    assert "The embedded engine cannot run: the extra is not installed" in capsys.readouterr().err


def test_validate_gives_up_when_the_server_does(folder: Path, stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    stub.on("POST", f"{FLOWS}/validate", '{"message": "out of memory"}', 500)

    assert cli.main(["validate", str(folder)]) == 2
    assert capsys.readouterr().err.startswith("pytest-kestra: out of memory (status 500 for POST")


def test_validate_uses_a_warm_engine(
    folder: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lease = Lease(stub.url, "ada", "s3cret", "1.3.31", os.getpid())
    monkeypatch.setattr("pytest_kestra.server.engines.running", lambda _: lease)
    monkeypatch.setattr("pytest_kestra.server.started.alive", lambda _: True)
    monkeypatch.setattr("pytest_kestra.server.started.Lease", SimpleNamespace(read=lambda _: lease))

    assert cli.main(["validate", str(folder), "--server", "embedded"]) == 0

    assert capsys.readouterr().out.endswith("2 flows, 0 errors, 1 warning\n")
    assert [asked.path for asked in stub.asked if asked.path.startswith(FLOWS)] == [f"{FLOWS}/validate"] * 2


def test_validate_tells_which_folder_is_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "closed")

    monkeypatch.setattr("pytest_kestra.checks.files.find", refuse)

    assert cli.main(["validate", str(folder)]) == 2
    assert capsys.readouterr().err == "pytest-kestra: closed: Permission denied.\n"
