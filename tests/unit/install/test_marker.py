from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kestra.engine.marker import FILE_NAME, Marker


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    """Return a file that an installation made."""
    jar = tmp_path / "engine.jar"
    jar.write_bytes(b"jar")
    return jar


def test_what_is_written_is_read_again(tmp_path: Path, jar: Path) -> None:
    marker = Marker(aot_failure="no room").adding(jar)

    marker.write(tmp_path)

    assert Marker.read(tmp_path) == marker
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["engine.jar", FILE_NAME]


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert Marker.read(tmp_path) == Marker()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"files": {}}',
        '{"files": [], "aot_failure": null}',
        '{"files": {"engine.jar": 3}, "aot_failure": null}',
        '{"files": {"engine.jar": ["many", ""]}, "aot_failure": null}',
    ],
)
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)

    assert Marker.read(tmp_path) == Marker()


def test_adding_a_file_again_replaces_what_was_known(jar: Path) -> None:
    marker = Marker().adding(jar)
    jar.write_bytes(b"other jar")

    assert not marker.intact(jar)
    assert marker.adding(jar).intact(jar)


def test_a_file_that_is_not_recorded_is_not_intact(jar: Path) -> None:
    assert not Marker().intact(jar)


def test_only_verifying_sees_other_content_of_the_same_size(jar: Path) -> None:
    marker = Marker().adding(jar)
    assert marker.intact(jar, verify=True)

    jar.write_bytes(b"rat")

    assert marker.intact(jar)
    assert not marker.intact(jar, verify=True)
