from __future__ import annotations

import dataclasses

import pytest

from pytest_kestra.errors import SettingsError
from pytest_kestra.options import OPTIONS
from pytest_kestra.settings import Settings


def test_every_option_is_a_setting() -> None:
    names = [field.name for field in dataclasses.fields(Settings) if field.name != "sources"]

    assert names == [option.attribute for option in OPTIONS]


def test_command_line_wins_over_ini_over_environment() -> None:
    cli = {"timeout": "1"}
    ini = {"timeout": "2", "version": "1.3.31"}
    environ = {"PYTEST_KESTRA_TIMEOUT": "3", "PYTEST_KESTRA_VERSION": "1.3.19", "PYTEST_KESTRA_KEEP": "all"}

    settings = Settings.read(cli, ini, environ)

    assert (settings.timeout, settings.version, settings.keep, settings.server) == (1.0, "1.3.31", "all", "auto")
    assert settings.source("timeout") == "--kestra-timeout"
    assert settings.source("version") == "kestra_version in the ini file"
    assert settings.source("keep") == "the environment variable PYTEST_KESTRA_KEEP"
    assert settings.source("server") == "default"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("timeout", "soon", "--kestra-timeout: 'soon' is not a number of seconds above 0, such as 60 or 2.5."),
        ("timeout", "0", "--kestra-timeout: '0' is not a number of seconds above 0, such as 60 or 2.5."),
        ("timeout", "inf", "--kestra-timeout: 'inf' is not a number of seconds above 0, such as 60 or 2.5."),
        ("keep", "some", "--kestra-keep: 'some' is not no, failed or all."),
        ("isolation", "tenant", "--kestra-isolation: 'tenant' is not namespace or none."),
        ("reuse", "perhaps", "--kestra-reuse: 'perhaps' is not true or false."),
        (
            "server",
            "docker",
            "--kestra-server: 'docker' is not auto, embedded, container or the http:// address of a Kestra server.",
        ),
    ],
)
def test_wrong_value_is_told_in_a_sentence(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read({name: value}, {}, {})

    assert str(raised.value) == message


def test_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read({"server": "http://ada:s3cret@localhost:8080"}, {}, {})

    assert str(raised.value) == (
        "--kestra-server: its value is not an address without user and password: "
        "give these in PYTEST_KESTRA_USER and _PASSWORD."
    )


def test_container_with_an_image() -> None:
    settings = Settings.read({"server": "container", "image": "kestra/kestra:v1.3.19", "docker_socket": "true"}, {}, {})

    assert (settings.server, settings.image, settings.docker_socket) == ("container", "kestra/kestra:v1.3.19", True)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://localhost:80800",
        "http://localhost:x",
        "http://[::1",
        "http://a b",
        "http://a\n",
        "http://a:0",
    ],
)
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^--kestra-server: .* is not an address such as http://localhost:8080\.$"):
        Settings.read({"server": url}, {}, {})


@pytest.mark.parametrize(
    "url", ["https://kestra/ui", "https://kestra/ui/main/flows", "https://kestra?x", "https://kestra#x"]
)
def test_address_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"is not the address of the server, but of a page: give https://kestra\.$"):
        Settings.read({"server": url}, {}, {})


@pytest.mark.parametrize("token", ["s3cret\n", "s3crét"])
def test_token_that_no_header_takes_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.read({}, {}, {"PYTEST_KESTRA_TOKEN": token})

    assert str(raised.value) == (
        "the environment variable PYTEST_KESTRA_TOKEN: its value is not a token: it has letters beyond ASCII, "
        "or a line break."
    )


@pytest.mark.parametrize("prefix", ["", ".ci", "ci.", "ci..tests", "CI", "c i"])
def test_prefix_is_a_namespace(prefix: str) -> None:
    with pytest.raises(SettingsError, match=r"^--kestra-prefix: .* is not a namespace, such as ci\.tests: "):
        Settings.read({"prefix": prefix}, {}, {})


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("off", False), ("no", False)])
def test_truth_has_the_usual_words(text: str, value: object) -> None:
    assert Settings.read({}, {"reuse": text}, {}).reuse is value


def test_address_loses_its_last_slash() -> None:
    assert Settings.read({"server": "http://localhost:8080/"}, {}, {}).server == "http://localhost:8080"


def test_override_knows_its_source() -> None:
    settings = Settings().override({"timeout": 2, "user": None}, "conftest.py")

    assert (settings.timeout, settings.source("timeout")) == (2.0, "conftest.py")


def test_override_of_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"^conftest.py: there is no setting 'timeot'; did you mean 'timeout'\?"):
        Settings().override({"timeot": 2}, "conftest.py")


def test_secrets_are_never_shown() -> None:
    environ = {"PYTEST_KESTRA_PASSWORD": "s3cret", "PYTEST_KESTRA_TOKEN": "t0ken", "PYTEST_KESTRA_USER": "ada"}
    settings = Settings.read({}, {}, environ)

    assert settings.shown() == {"user": "ada"}
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)


def test_several_values_may_be_a_list() -> None:
    settings = Settings.read({}, {"version": ["1.3", "2.0"], "flow_folders": ["flows", "more flows"]}, {})

    assert settings.versions == ("1.3", "2.0")
    assert settings.flow_folders == ("flows", "more flows")
    assert Settings().override({"side_effects": ("a.*", "!a.b")}, "a mark").side_effects == ("a.*", "!a.b")


def test_what_always_has_a_value_cannot_be_none() -> None:
    with pytest.raises(SettingsError, match=r"^the mark kestra: 'None' is not a number of seconds above 0"):
        Settings().override({"timeout": None}, "the mark kestra")
    assert Settings(html="page.html").override({"html": None}, "the mark kestra").html is None
