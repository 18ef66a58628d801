from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.home import Home
from pytest_kestra.engine.plugins import SERVICES, plugin_jars, provides
from pytest_kestra.engine.progress import LineProgress, SilentProgress
from pytest_kestra.engine.repository import Repository

if TYPE_CHECKING:
    from tests.unit.install.conftest import Heard, Maven

COORDINATE = "io.kestra.plugin:plugin-notifications:1.3.0"
PATH = "io/kestra/plugin/plugin-notifications/1.3.0/plugin-notifications-1.3.0.jar"


def archive(services: str | bytes | None = None) -> bytes:
    """Return a jar with this list of services, always the same to the byte."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as jar:
        jar.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF"), "Manifest-Version: 1.0\n")
        if services is not None:
            jar.writestr(zipfile.ZipInfo(SERVICES), services, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


JAR = archive("io.kestra.plugin.Slack\n")
SHA1 = hashlib.sha1(JAR).hexdigest()
SHA256 = hashlib.sha256(JAR).hexdigest()


@pytest.fixture
def published(maven: Maven) -> Maven:
    """Return a repository with a plugin and both of its digests."""
    maven.put(PATH, JAR)
    maven.put(f"{PATH}.sha256", SHA256.encode())
    maven.put(f"{PATH}.sha1", SHA1.encode())
    return maven


def paths(maven: Maven) -> list[str]:
    """Return what was asked for, without the path that all have in common."""
    return [request.path.removeprefix(PATH) for request in maven.requests]


def test_no_plugins_are_no_jars(home: Home, nowhere: Repository) -> None:
    assert plugin_jars([], home, nowhere, SilentProgress()) == []


def test_a_jar_can_be_given_by_its_path(
    home: Home, nowhere: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.jar").write_bytes(JAR)
    monkeypatch.chdir(tmp_path)

    assert plugin_jars(["mine.jar"], home, nowhere, SilentProgress()) == [tmp_path / "mine.jar"]


@pytest.mark.parametrize("coordinate", ["mine.jar", "io.kestra.plugin:plugin-x", "a:b:c:sha256=12", "a:b:c.jar"])
def test_what_is_neither_a_path_nor_a_coordinate_is_told(home: Home, nowhere: Repository, coordinate: str) -> None:
    with pytest.raises(InstallError) as caught:
        plugin_jars([coordinate], home, nowhere, SilentProgress())

    assert str(caught.value).startswith(f"There is no plugin {coordinate!r}: ")
    assert "a Maven coordinate looks like io.kestra.plugin:plugin-script-python:1.3.0" in str(caught.value)


def test_a_coordinate_is_fetched(home: Home, repository: Repository, published: Maven, heard: Heard) -> None:
    (jar,) = plugin_jars([COORDINATE], home, repository, heard)

    assert jar == home.plugins / PATH
    assert jar.read_bytes() == JAR
    assert heard.transfers[0][0] == (f"Kestra plugin plugin-notifications-1.3.0.jar from {repository} to {jar.parent}")


def test_a_coordinate_is_fetched_in_a_ci_job(home: Home, repository: Repository, published: Maven) -> None:
    plugin_jars([COORDINATE], home, repository, LineProgress(io.StringIO()))


def test_a_plugin_is_fetched_once(home: Home, repository: Repository, published: Maven, heard: Heard) -> None:
    jars = plugin_jars([COORDINATE, COORDINATE], home, repository, heard)

    assert jars == [home.plugins / PATH] * 2
    assert paths(published) == [".sha256", ""]


def test_a_plugin_that_came_while_waiting_is_not_fetched(
    home: Home, nowhere: Repository, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = home.alone

    def other_first(name: str, progress: Heard) -> object:
        (home.plugins / PATH).parent.mkdir(parents=True)
        (home.plugins / PATH).write_bytes(JAR)
        return alone(name, progress)

    monkeypatch.setattr(home, "alone", other_first)

    assert plugin_jars([COORDINATE], home, nowhere, heard) == [home.plugins / PATH]


def test_a_cut_plugin_is_fetched_again(home: Home, repository: Repository, published: Maven, heard: Heard) -> None:
    (jar,) = plugin_jars([COORDINATE], home, repository, heard)
    jar.write_bytes(JAR[:-30])

    plugin_jars([COORDINATE], home, repository, heard)

    assert jar.read_bytes() == JAR


@pytest.mark.parametrize(
    "text",
    [f"{SHA256}\n", f"{SHA256}  plugin-notifications-1.3.0.jar\n", SHA256.upper()],
    ids=["a line", "with the name", "upper case"],
)
def test_published_digests_have_several_forms(
    home: Home, repository: Repository, published: Maven, heard: Heard, text: str
) -> None:
    published.put(f"{PATH}.sha256", text.encode())

    plugin_jars([COORDINATE], home, repository, heard)

    assert paths(published) == [".sha256", ""]


@pytest.mark.parametrize(
    "text", [None, "", "<html>sign in</html>", SHA1], ids=["missing", "empty", "a page", "of another kind"]
)
def test_without_a_sha256_the_sha1_counts(
    home: Home, repository: Repository, published: Maven, heard: Heard, text: str | None
) -> None:
    if text is None:
        published.fail(f"{PATH}.sha256", 404)
    else:
        published.put(f"{PATH}.sha256", text.encode())

    plugin_jars([COORDINATE], home, repository, heard)

    assert paths(published) == [".sha256", ".sha1", ""]


def test_a_published_digest_that_does_not_fit_is_told(
    home: Home, repository: Repository, published: Maven, heard: Heard
) -> None:
    published.put(PATH, archive())

    with pytest.raises(InstallError, match=f"not the right file: expected sha256 {SHA256}"):
        plugin_jars([COORDINATE], home, repository, heard)

    assert [file for file in home.plugins.rglob("*") if file.is_file()] == []


def test_a_given_digest_needs_no_published_one(
    home: Home, repository: Repository, published: Maven, heard: Heard
) -> None:
    plugin_jars([f"{COORDINATE}:sha256={SHA256.upper()}"], home, repository, heard)

    assert paths(published) == [""]


def test_a_given_digest_comes_before_the_published_one(
    home: Home, repository: Repository, published: Maven, heard: Heard
) -> None:
    with pytest.raises(InstallError, match=f"expected sha256 {'0' * 64}"):
        plugin_jars([f"{COORDINATE}:sha256={'0' * 64}"], home, repository, heard)


def test_a_given_digest_is_compared_with_what_is_there(
    home: Home, repository: Repository, published: Maven, heard: Heard
) -> None:
    jar = home.plugins / PATH
    jar.parent.mkdir(parents=True)
    jar.write_bytes(archive())

    plugin_jars([f"{COORDINATE}:sha256={SHA256}"], home, repository, heard)

    assert jar.read_bytes() == JAR


def test_a_plugin_of_the_local_repository_is_copied(
    home: Home, published: Maven, heard: Heard, nowhere: Repository, tmp_path: Path
) -> None:
    repository = Repository(nowhere.address, published.local(tmp_path / "m2"))

    (jar,) = plugin_jars([f"{COORDINATE}:sha256={SHA256}"], home, repository, heard)

    assert jar.read_bytes() == JAR


def test_a_plugin_that_is_not_there_is_told_with_a_remedy(
    home: Home, repository: Repository, maven: Maven, heard: Heard
) -> None:
    with pytest.raises(InstallError) as caught:
        plugin_jars([COORDINATE], home, repository, heard)

    assert str(caught.value) == (
        f"The plugin {PATH} is not at {repository}, or without the digest to verify it (sha256 or sha1). "
        "Set PYTEST_KESTRA_REPOSITORY to a Maven repository that has both, "
        "or download the jar yourself and give its path instead of the coordinate."
    )


def test_a_plugin_is_not_had_without_a_network(home: Home, nowhere: Repository, heard: Heard) -> None:
    with pytest.raises(InstallError, match=r"could not be downloaded .* give its path instead of the coordinate\.$"):
        plugin_jars([COORDINATE], home, nowhere, heard)


class TestProvides:
    def test_the_classes_that_a_jar_lists(self, tmp_path: Path) -> None:
        text = "# a comment\nio.example.One\n\n  io.example.Two  # the second\n"
        (tmp_path / "plugin.jar").write_bytes(archive(text))

        assert provides(tmp_path / "plugin.jar") == {"io.example.One", "io.example.Two"}

    def test_nothing_where_a_jar_has_no_list(self, tmp_path: Path) -> None:
        (tmp_path / "plugin.jar").write_bytes(archive())

        assert provides(tmp_path / "plugin.jar") == frozenset()

    @pytest.mark.parametrize("content", [b"", b"<html>", JAR[:-30]], ids=["empty", "a page", "cut"])
    def test_an_error_where_it_is_no_jar(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "plugin.jar").write_bytes(content)

        with pytest.raises(InstallError, match=r"plugin\.jar cannot be read as a jar: "):
            provides(tmp_path / "plugin.jar")

    def test_an_error_where_nothing_is(self, tmp_path: Path) -> None:
        with pytest.raises(InstallError, match="cannot be read as a jar"):
            provides(tmp_path / "plugin.jar")

    def test_an_error_where_the_list_is_damaged(self, tmp_path: Path) -> None:
        before, name, after = JAR.partition(SERVICES.encode())
        (tmp_path / "plugin.jar").write_bytes(before + name + b"\xff\xff\xff" + after[3:])

        with pytest.raises(InstallError, match="cannot be read as a jar"):
            provides(tmp_path / "plugin.jar")

    def test_an_error_where_the_list_is_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "plugin.jar").write_bytes(archive(b"\xff"))

        with pytest.raises(InstallError, match="cannot be read as a jar"):
            provides(tmp_path / "plugin.jar")


def test_a_plugin_of_the_local_repository_needs_no_network(tmp_path: Path, home: Home, nowhere: Repository) -> None:
    local = tmp_path / "m2"
    (local / PATH).parent.mkdir(parents=True)
    (local / PATH).write_bytes(JAR)
    (local / f"{PATH}.sha1").write_text(f"{SHA1}\n", encoding="utf-8")

    (jar,) = plugin_jars([COORDINATE], home, Repository(nowhere.address, local), SilentProgress())

    assert jar.read_bytes() == JAR


def test_a_home_of_nobody_is_no_plugin(home: Home, repository: Repository) -> None:
    with pytest.raises(InstallError, match=r"There is no plugin '~nobody-at-all/x.jar'"):
        plugin_jars(["~nobody-at-all/x.jar"], home, repository, SilentProgress())
