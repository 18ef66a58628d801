from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.repository import DEFAULT_REPOSITORY, Repository


def test_the_public_repository_and_the_local_one_are_the_default(tmp_path: Path) -> None:
    repository = Repository.configured(environ={})

    assert repository.url == DEFAULT_REPOSITORY
    assert repository.local == tmp_path / "user" / ".m2" / "repository"


def test_the_environment_names_both(tmp_path: Path) -> None:
    environ = {"PYTEST_KESTRA_REPOSITORY": "https://mirror.example/maven", "PYTEST_KESTRA_M2": str(tmp_path)}

    assert Repository.configured(environ=environ) == Repository("https://mirror.example/maven", tmp_path)


def test_local_repository_may_be_below_the_home(tmp_path: Path) -> None:
    repository = Repository.configured(environ={"PYTEST_KESTRA_M2": "~/jars"})

    assert repository.local == tmp_path / "user" / "jars"


def test_local_repository_of_nobody_is_told() -> None:
    with pytest.raises(
        InstallError, match=r"home folder that ~nobody-here begins with\. Set PYTEST_KESTRA_M2 to a whole"
    ):
        Repository.configured(environ={"PYTEST_KESTRA_M2": "~nobody-here"})


def test_a_user_without_a_home_folder_has_no_local_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)

    assert Repository.configured(environ={}).local is None


def test_arguments_come_before_the_environment(tmp_path: Path) -> None:
    environ = {"PYTEST_KESTRA_REPOSITORY": "https://mirror.example", "PYTEST_KESTRA_M2": "elsewhere"}

    repository = Repository.configured("https://other.example", tmp_path, environ)

    assert repository == Repository("https://other.example", tmp_path)


def test_an_empty_variable_means_no_local_repository() -> None:
    assert Repository.configured(environ={"PYTEST_KESTRA_M2": ""}).local is None


def test_an_empty_address_means_the_public_repository() -> None:
    assert Repository.configured(environ={"PYTEST_KESTRA_REPOSITORY": ""}).url == DEFAULT_REPOSITORY


def test_user_and_password_are_never_shown() -> None:
    repository = Repository("https://ann:s%3Acret@mirror.example:8443/maven/")

    assert str(repository) == repository.url == "https://mirror.example:8443/maven"
    assert "cret" not in repr(repository)
    assert repository.credentials == ("ann", "s:cret")


@pytest.mark.parametrize(
    ("address", "credentials"),
    [("https://mirror.example", None), ("https://token@mirror.example", ("token", ""))],
)
def test_a_password_can_be_missing(address: str, credentials: tuple[str, str] | None) -> None:
    assert Repository(address).credentials == credentials


@pytest.mark.parametrize("address", ["mirror.example", "ftp://mirror.example/maven", "/srv/maven", "https://"])
def test_anything_but_http_is_refused_with_a_remedy(address: str) -> None:
    with pytest.raises(InstallError) as caught:
        Repository(address)

    assert f"and {address.removesuffix('//')}" in str(caught.value)
    assert "PYTEST_KESTRA_REPOSITORY" in str(caught.value)
    assert "PYTEST_KESTRA_M2" in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://ann:secret@mirror.example", "//ann:secret@mirror.example"])
def test_the_text_of_a_refusal_has_no_password(address: str) -> None:
    with pytest.raises(InstallError) as caught:
        Repository(address)

    assert "secret" not in str(caught.value)


def test_the_text_of_a_refusal_has_no_password_without_a_scheme() -> None:
    with pytest.raises(InstallError) as caught:
        Repository("ann:secret@mirror.example/maven")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://[::1", "http://mirror.example:port/maven"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InstallError):
        Repository(address)
