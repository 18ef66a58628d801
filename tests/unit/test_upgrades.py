"""What breaks on another line of Kestra, from what is wrong on both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kestra import cli
from pytest_kestra.checks.findings import Finding
from pytest_kestra.checks.upgrades import compare
from pytest_kestra.cli import upgrade
from pytest_kestra.flows.remedies import advised, bare, remedy
from pytest_kestra.flows.source import FlowSource

FLOW = (
    "id: {id}\nnamespace: company.team\n{more}tasks:\n  - {{id: a, type: io.kestra.plugin.core.log.Log, message: x}}\n"
)
FOR_EACH = "Kestra does not know the type io.kestra.plugin.core.flow.ForEach. Check its spelling, or name the plugin"


def source(name: str, more: str = "") -> FlowSource:
    """Return a flow of a file."""
    return FlowSource(FLOW.format(id=name, more=more), f"{name}.yaml")


def wrong(name: str, line: int, message: str) -> Finding:
    """Return an error."""
    return Finding(f"{name}.yaml", line, "error", message)


def test_flow_is_ready_breaks_or_was_wrong_before() -> None:
    before = [wrong("bad", 3, "bad"), Finding("good.yaml", 2, "warning", "`x` is old: use `y`.")]
    after = [wrong("bad", 4, "worse"), wrong("breaks", 4, FOR_EACH), Finding("good.yaml", 2, "warning", "old")]

    found = compare([source("good"), source("breaks"), source("bad")], before, after)

    assert [(one.file, one.state) for one in found] == [
        ("good.yaml", "ready"),
        ("breaks.yaml", "breaks"),
        ("bad.yaml", "wrong"),
    ]
    (obstacle,) = found[1].obstacles
    assert obstacle.what == "Kestra does not know the type io.kestra.plugin.core.flow.ForEach"
    assert obstacle.remedy is not None
    assert obstacle.remedy.startswith("use io.kestra.plugin.core.flow.Loop")


def test_what_breaks_is_told_beside_what_was_wrong_before() -> None:
    unknown = "Kestra does not know the type io.kestra.plugin.jdbc.postgresql.Query"
    before, flow = wrong("a", 6, unknown), source("a", "pluginDefaults: []\n")
    after = [before, wrong("a", 9, FOR_EACH), wrong("a", 12, "told otherwise")]

    (found,) = compare([flow], [before], after)

    assert (found.state, found.before) == ("breaks", (before,))
    assert [one.finding.line for one in found.obstacles] == [3, 9]
    assert [one.line for one in found.both] == [6, 12]


def test_flow_that_is_for_the_later_line_already_is_ready() -> None:
    before = [wrong("a", 4, "Kestra does not know the type io.kestra.plugin.core.flow.Loop")]
    (found,) = compare([source("a")], before, [])

    assert (found.state, found.obstacles, found.both) == ("ready", (), ())


def test_what_was_deprecated_is_the_remedy_at_the_same_place() -> None:
    before = [Finding("a.yaml", 4, "warning", "the type old.Type is replaced by new.Type.")]
    (found,) = compare([source("a")], before, [wrong("a", 4, "Kestra does not know the type old.Type")])

    assert found.obstacles[0].remedy == "the type old.Type is replaced by new.Type"


def test_error_without_a_remedy_is_told_whole() -> None:
    (found,) = compare([source("a")], [], [wrong("a", 4, "This is new. It has: a, b.")])

    assert (found.obstacles[0].remedy, found.obstacles[0].what) == (None, "This is new. It has: a, b.")


def test_property_of_the_flow_is_told_though_kestra_stops_before_it() -> None:
    flow = source("a", "pluginDefaults: []\n")

    (found,) = compare([flow], [], [wrong("a", 5, FOR_EACH)])
    assert [one.finding.line for one in found.obstacles] == [3, 5]
    (found,) = compare([flow], [], [wrong("a", 3, "A flow has no property 'pluginDefaults'; did you mean")])
    assert [one.finding.line for one in found.obstacles] == [3]
    assert compare([flow], [], [])[0].state == "ready"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("A flow has no property 'pluginDefaults'; did you mean 'x'", "write the values into the tasks"),
        ("A flow has no property 'listeners'", "Flow trigger"),
        ("Kestra does not know the type BOOLEAN", "use BOOL"),
        ("io.kestra.plugin.core.trigger.Flow has no property 'preconditions'", "`dependsOn`"),
        ("io.kestra.plugin.core.trigger.Schedule has no property 'conditions'", "`when`"),
        ("io.kestra.plugin.core.flow.Pause has no property 'delay'", "`pauseDuration`"),
        ("io.kestra.core.models.tasks.retrys.Constant has no property 'maxAttempt'", "`maxAttempts`"),
        ("Missing inputs for Schedule Trigger 'daily', missing inputs: 'day'", "in the trigger's `inputs`"),
    ],
)
def test_remedies(message: str, told: str) -> None:
    assert told in str(remedy(message))


def test_what_is_not_known_has_no_remedy() -> None:
    assert remedy("tasks[log].message: must not be null") is None


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Finding]]:
    """Return what engines find, by their versions, instead of engines."""
    found: dict[str, list[Finding]] = {"1.3.31": [], "2.0.0": []}
    monkeypatch.setattr(upgrade, "_checked", lambda flows, version, plugins: found[version])
    return found


def write(folder: Path, name: str) -> str:
    """Write a flow and return its path."""
    path = folder / f"{name}.yaml"
    path.write_text(FLOW.format(id=name, more=""), encoding="utf-8")
    return str(path)


def test_nothing_breaks(checked: dict[str, list[Finding]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked
    assert cli.main(["upgrade-check", write(tmp_path, "a")]) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "1 flow, 1.3.31 to 2.0.0: 1 ready"


def test_what_breaks_is_told_with_the_remedy(
    checked: dict[str, list[Finding]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, worse = (write(tmp_path, name) for name in ("a", "b", "c"))
    checked["1.3.31"].append(Finding(worse, 1, "error", "wrong"))
    checked["2.0.0"] += [Finding(bad, 4, "error", FOR_EACH), Finding(bad, 5, "error", "Something else.")]
    checked["2.0.0"].append(Finding(worse, 1, "error", "wrong"))

    assert cli.main(["upgrade-check", good, bad, worse]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"{good}  ready", f"{bad}  breaks", f"{worse}  wrong on both"]
    assert lines[4] == f"{bad}:4: Kestra does not know the type io.kestra.plugin.core.flow.ForEach."
    assert lines[5].startswith("    use io.kestra.plugin.core.flow.Loop")
    assert lines[6] == f"{bad}:5: Something else."
    assert lines[8:10] == [f"{worse}:1: wrong", "    It is wrong on 1.3.31, too."]
    assert lines[-1] == "3 flows, 1.3.31 to 2.0.0: 1 ready, 1 breaks, 1 wrong on both"


def test_json_is_for_programs(
    checked: dict[str, list[Finding]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path, "b")
    checked["2.0.0"].append(Finding(bad, 4, "error", FOR_EACH))

    assert cli.main(["upgrade-check", bad, "--format", "json"]) == 1

    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], told["tests"], told["unreadable"]) == ("1.3.31", "2.0.0", [], [])
    (flow,) = told["flows"]
    assert (flow["file"], flow["state"], flow["before"]) == (bad, "breaks", [])
    assert flow["obstacles"][0].keys() == {"file", "line", "severity", "message", "remedy"}


def test_tests_that_change_their_result_are_told(
    checked: dict[str, list[Finding]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked
    passed, failed = upgrade.Result("passed"), upgrade.Result("failed", "the sum is wrong")
    ran = {
        "1.3.31": {"t::a": passed, "t::b": passed, "t::c": failed},
        "2.0.0": {"t::a": passed, "t::b": failed, "t::c": failed},
    }
    monkeypatch.setattr(upgrade, "_run", lambda tests, version: ran[version])

    assert cli.main(["upgrade-check", write(tmp_path, "a"), "--tests", "t"]) == 1

    told = capsys.readouterr()
    assert told.err == "Running the tests on Kestra 1.3.31\nRunning the tests on Kestra 2.0.0\n"
    lines = told.out.splitlines()
    assert lines[-4:-1] == ["t::b  passed → failed", "    the sum is wrong", ""]
    assert lines[-1] == "1 flow, 1.3.31 to 2.0.0: 1 ready; 3 tests, 1 with another result, 1 failing on both"


def test_tests_are_run_by_pytest_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert False\ndef test_c(): pytest.skip('not now')\n"
        "@pytest.fixture\ndef bad(): raise ValueError\ndef test_d(bad): pass\n"
    )
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "test_more.py").write_text(
        "import pytest\nclass TestOuter:\n    class TestInner:\n"
        "        @pytest.mark.parametrize('x', ['a.b/c'])\n        def test_e(self, x): pass\n"
    )
    ids = {
        "test_it.py::test_a": ("passed", None),
        "test_it.py::test_b": ("failed", "assert False"),
        "test_it.py::test_c": ("skipped", "not now"),
        "test_it.py::test_d": ("error", 'failed on setup with "ValueError"'),
        "below/test_more.py::TestOuter::TestInner::test_e[a.b/c]": ("passed", None),
    }

    assert upgrade._run(["test_it.py", "below"], "1.3.31") == ids
    # They are what pytest takes.
    assert upgrade._run(list(ids), "1.3.31") == ids


def test_what_cannot_be_compared_is_told(
    checked: dict[str, list[Finding]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checked
    monkeypatch.chdir(tmp_path)

    assert cli.main(["upgrade-check", write(tmp_path, "a"), "--tests", "none.py"]) == 2
    told = capsys.readouterr()
    assert "\npytest-kestra: The tests could not be run on Kestra 1.3.31:\n" in told.err
    assert told.out.endswith("1 flow, 1.3.31 to 2.0.0: 1 ready\n")
    assert cli.main(["upgrade-check", "nowhere"]) == 2
    assert capsys.readouterr().err == "pytest-kestra: nowhere: there is no such file or folder.\n"
    assert cli.main(["upgrade-check", write(tmp_path, "a"), "--to", "9.9"]) == 2
    assert capsys.readouterr().err.startswith(
        "pytest-kestra: The embedded engine has no Kestra 9.9; it has: 1.3.31, 2.0.0."
    )


def test_remedy_stands_in_the_place_of_guesses() -> None:
    told = advised(FOR_EACH)

    assert told.startswith("Kestra does not know the type io.kestra.plugin.core.flow.ForEach; since Kestra 2.0: use ")
    assert bare(told) == bare(FOR_EACH) == "Kestra does not know the type io.kestra.plugin.core.flow.ForEach"
    assert remedy(told) == remedy(FOR_EACH)
    assert advised("A task has no property 'x'; did you mean 'y'?") == "A task has no property 'x'; did you mean 'y'?"
