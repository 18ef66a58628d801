"""Passwords, tokens and secrets appear in no command line, log, report or artifact."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.plugin.remains import Remains

# Each is written down in parts, so that no text of these tests is one of them.
SECRETS = {"PYTEST_KESTRA_TOKEN": "t0ken-of", "PYTEST_KESTRA_PASSWORD": "passw0rd-of", "API_KEY": "k3y-of"}
FLOW = """\
id: telling
namespace: company.team
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    level: ERROR
    message: "the key is {{ secret('API_KEY') }}"
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    env: {KEY: "{{ secret('API_KEY') }}"}
    commands: ["env; echo the key is $KEY >&2; exit 3"]
"""
CONFTEST = """
    import os
    import pytest

    @pytest.fixture(scope="session")
    def kestra_secrets():
        return {"API_KEY": os.environ["API_KEY"]}
"""
TESTS = """
    import contextlib
    import os
    import shutil
    from pathlib import Path

    import pytest

    FOLDER = Path(__file__).parent

    @pytest.mark.parametrize("number", range(2))
    def test_tells(kestra, kestra_client, kestra_server, kestra_secrets, kestra_settings, number):
        password = kestra_server.address.password
        execution = kestra.deploy("telling.yaml").run()
        lines = []
        for line in Path("/proc").glob("[0-9]*/cmdline") if Path("/proc").is_dir() else ():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                lines.append(line.read_bytes())
        (FOLDER / f"command-lines-{number}").write_bytes(b"\\n".join(lines))
        for log in kestra_server.folder.glob("*.log"):
            shutil.copyfile(log, FOLDER / f"{number}-{log.name}")
        # The one file that names it, for who looks for it afterwards.
        (FOLDER / f"password-{number}").write_text(password)
        print("printed", password, kestra_secrets, kestra_settings, kestra_server.address)
        environment = {name: os.environ[name] for name in ("PYTEST_KESTRA_TOKEN", "PYTEST_KESTRA_PASSWORD", "API_KEY")}
        if number == 0:
            assert execution.state == "SUCCESS", environment
        assert [password, *environment.values()] == [kestra_client.address]
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_secrets_are_nowhere(
    flows: pytest.Pytester, remains: Remains, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    secrets = [f"{value}-ada-lovelace" for value in SECRETS.values()]
    for name, secret in zip(SECRETS, secrets, strict=True):
        monkeypatch.setenv(name, secret)
    flows.makefile(".yaml", telling=FLOW)
    flows.makeconftest(CONFTEST)
    flows.makepyfile(test_it=TESTS)
    outputs = ("--kestra-html=report.html", "--kestra-artifacts=artifacts", "--junitxml=junit.xml", "--full-trace")
    result = flows.runpytest_subprocess("--kestra-server=embedded", "-vv", "-l", *outputs, *workers)

    result.assert_outcomes(failed=2)
    passwords = [flows.path / f"password-{number}" for number in range(2)]
    (password,) = {file.read_text(encoding="utf-8") for file in passwords}
    for file in passwords:
        file.unlink()
    files = {file: file.read_bytes() for file in flows.path.rglob("*") if file.is_file()}
    for name in ("report.html", "junit.xml", "0-engine.log", "command-lines-0", "command-lines-1"):
        assert flows.path / name in files
    assert any((flows.path / "artifacts").rglob("logs.txt"))
    files |= {Path("stdout"): result.stdout.str().encode(), Path("stderr"): result.stderr.str().encode()}
    assert b"the key is ***" in files[Path("stdout")]
    for secret in (*secrets, password):
        for text in (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1]):
            assert [str(file) for file, content in files.items() if text in content] == []
    assert remains.all() == []


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_what_a_subtest_prints_has_no_secret(flows: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytest.importorskip("_pytest.subtests")
    flows.makepyfile(
        """
        def test_parts(kestra_settings, subtests):
            for number in range(2):
                with subtests.test(number=number):
                    print("printed", "-".join(["passw0rd", "of", "ada"]))
                    assert number
        """
    )
    result = flows.runpytest_subprocess("--kestra-password=passw0rd-of-ada", *workers)

    assert "printed *****" in result.stdout.str()
    assert "passw0rd-of-ada" not in result.stdout.str()


def test_secrets_are_not_in_the_log_of_a_server_that_does_not_start(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from pytest_kestra import ServerError
        from pytest_kestra.server import chooser

        def refused(settings, equipment, run, announce):
            raise ServerError(f"It did not start; its log: {equipment.secrets['API_KEY']}")

        @pytest.fixture(scope="session")
        def kestra_secrets():
            chooser.open_server = refused
            return {"API_KEY": "-".join(["k3y", "of", "ada"])}
    """)
    pytester.makepyfile("def test_it(kestra): ...")
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["It did not start; its log: [*]*"])
    result.stdout.no_fnmatch_line("*k3y-of-ada*")


def test_secret_that_is_none_is_told_in_a_sentence(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def kestra_secrets():
            return {"API_KEY": None}
    """)
    pytester.makepyfile("def test_it(kestra): ...")
    result = pytester.runpytest_subprocess("--tb=short")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["kestra_secrets: 'API_KEY' is None, not a text. Give a text, or leave it out."])
    result.stdout.no_fnmatch_line("*Traceback*")
