"""Several versions of Kestra in one run: which tests there are, and that each runs on its own engine."""

from __future__ import annotations

import pytest

BOTH = ("--kestra-version=1.3", "--kestra-version=2.0")
TESTS = """
    import pytest

    def test_line(kestra, kestra_version):
        assert kestra.client.address.line == kestra_version

    @pytest.mark.parametrize("count", [1, 7])
    def test_orders(kestra, count):
        assert kestra.deploy("orders.yaml").run({"count": count}).state == ("SUCCESS" if count < 5 else "FAILED")

    @pytest.mark.kestra_requires(version=">=2")
    def test_new(kestra):
        assert kestra.deploy("loop.yaml").run().outputs["line"] == kestra.client.address.line

    def test_old(kestra):
        assert kestra.deploy("loop.yaml").run().outputs["line"] == kestra.client.address.line

    def test_without():
        pass
"""
LOOP = """\
id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.{kind}
    values: [a, b]
    tasks:
      - {{id: tell, type: io.kestra.plugin.core.debug.Return, format: "{value}"}}
outputs:
  - {{id: line, type: STRING, value: "{line}"}}
"""
SUITE = """\
id: orders-suite
namespace: company.team
flowId: loop
testCases:
  - id: loops
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - {value: "{{ tasks.each.state }}", equalTo: SUCCESS}
"""


@pytest.fixture
def project(flows: pytest.Pytester) -> pytest.Pytester:
    """Return a folder with tests, a suite, and a flow that has another text for 2.0."""
    flows.makepyfile(TESTS)
    flows.mkdir("kestra-2.0").joinpath("loop.yaml").write_text(
        LOOP.format(kind="Loop", value="{{ item.value }}", line="2.0")
    )
    flows.path.joinpath("loop.yaml").write_text(LOOP.format(kind="ForEach", value="{{ taskrun.value }}", line="1.3"))
    flows.path.joinpath("suite.yaml").write_text(SUITE)
    return flows


def test_each_test_of_kestra_is_one_for_each_version(project: pytest.Pytester) -> None:
    result = project.runpytest("--collect-only", "-q", "--kestra-validate", "--kestra-version=1.3, 2.0")

    ids = sorted(line for line in result.outlines if "::" in line)
    name = "test_each_test_of_kestra_is_one_for_each_version.py"
    assert ids == sorted(
        [
            f"{name}::test_without",
            *(
                f"{one}[{version}]"
                for one in (f"{name}::test_line", f"{name}::test_new", f"{name}::test_old", "suite.yaml::loops")
                for version in ("1.3", "2.0")
            ),
            *(f"{name}::test_orders[{version}-{count}]" for version in ("1.3", "2.0") for count in (1, 7)),
            *(
                f"{file}::flow[{version}]"
                for file in ("kestra-2.0/loop.yaml", "loop.yaml", "orders.yaml", "slow.yaml")
                for version in ("1.3", "2.0")
            ),
        ]
    )


@pytest.mark.parametrize("given", [("--kestra-version=2.0",), ("--kestra-version=2.0", "--kestra-version=2.0")])
def test_one_version_names_no_test(project: pytest.Pytester, given: tuple[str, ...]) -> None:
    result = project.runpytest("--collect-only", "-q", *given)

    assert "[2.0]" not in result.stdout.str()
    assert "suite.yaml::loops" in result.outlines


def test_versions_of_the_ini_file_give_way_to_those_of_the_command_line(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nkestra_version = 1.3 2.0\n")

    assert "suite.yaml::loops[2.0]" in project.runpytest("--collect-only", "-q").outlines
    assert "suite.yaml::loops" in project.runpytest("--collect-only", "-q", "--kestra-version=1.3").outlines


def test_header_names_them(project: pytest.Pytester) -> None:
    project.runpytest("--collect-only", *BOTH).stdout.fnmatch_lines(["kestra: server=auto, version=1.3 2.0"])


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ("--kestra-server=http://127.0.0.1:9", "http://127.0.0.1:9 has"),
        ("--kestra-image=here/kestra:1", "the image here/kestra:1 has"),
    ],
)
def test_several_need_servers_of_their_own(project: pytest.Pytester, option: str, what: str) -> None:
    result = project.runpytest(*BOTH, option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: version=1.3 2.0 (--kestra-version) are several, but {what} one version: *"])


@pytest.mark.parametrize(
    ("option", "header"),
    [
        ("--kestra-server=http://127.0.0.1:9", "kestra: server=http://127.0.0.1:9"),
        ("--kestra-image=here/kestra:1", "kestra: server=auto, version=1.3, image=here/kestra:1"),
    ],
)
def test_several_by_default_give_way_to_a_server_that_is_given(
    project: pytest.Pytester, option: str, header: str
) -> None:
    project.makeini("[pytest]\nkestra_version = 1.3 2.0\n")
    result = project.runpytest("--collect-only", option)

    assert result.ret == 0
    # Which version a server at a URL has, nobody has asked it yet.
    assert header in result.outlines
    assert "[2.0]" not in result.stdout.str()


def test_several_by_default_do_not_go_with_a_server_by_default(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nkestra_version = 1.3 2.0\nkestra_server = http://127.0.0.1:9\n")
    result = project.runpytest("--collect-only")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: version=1.3 2.0 (* are several, but http://127.0.0.1:9 has one version: *"])


def test_no_version_at_all(project: pytest.Pytester) -> None:
    result = project.runpytest("--kestra-version= ")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --kestra-version: ' ' is not a version or line of Kestra such as 1.3, or *"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "n2"])
def test_each_runs_on_its_engine(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    options = ("--kestra-server=embedded", "--kestra-validate", "--kestra-html=page.html", "-rs")
    result = project.runpytest_subprocess(*BOTH, *options, *workers)

    # Five of each line but for `test_new`, the suite, and the flows, of which each line has one less.
    result.assert_outcomes(passed=1 + 4 + 5 + 2 + 3 + 3, skipped=1 + 2)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED * needs Kestra >=2, and the server is 1.3.31",
            "SKIPPED * not for Kestra 1.3",
            "SKIPPED * not for Kestra 2.0",
        ]
    )
    assert "<span>Kestra 1.3.31 and 2.0.0, embedded</span>" in (project.path / "page.html").read_text()


def test_failure_names_the_test_of_the_version(project: pytest.Pytester) -> None:
    project.path.joinpath("kestra-2.0", "loop.yaml").unlink()
    result = project.runpytest_subprocess(*BOTH, "--kestra-server=embedded", "-k", "test_old or loops")

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(["FAILED *::test_old[[]2.0] - *", "FAILED suite.yaml::loops[[]2.0] - *"])


def test_command_to_run_again_names_the_versions(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(kestra): assert kestra.deploy('orders.yaml').run({'count': 7}).state == 'SUCCESS'")
    result = project.runpytest_subprocess(*BOTH, "--kestra-server=embedded", "-k", "2.0 and test_it")

    command = "pytest 'test_command_to_run_again_names_the_versions.py::test_it[2.0]'"
    result.stdout.fnmatch_lines([f"*{command.replace('[', '[[]')} --kestra-server=embedded {' '.join(BOTH)}"])
