"""Which containers a keeper takes for left behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_kestra.containers import keeper
from pytest_kestra.engine.alive import hold


class Container:
    """Stand for a container with the labels that its keeper has given it."""

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self.labels = {keeper.LABEL_HOST: keeper._host(), keeper.LABEL_FOLDER: str(folder)}
        self.removed = False

    def remove(self, **_: bool) -> None:
        self.removed = True


class Docker:
    """Stand for Docker, as far as it finds containers by their labels."""

    def __init__(self, *containers: Container) -> None:
        self.all = containers

    @property
    def containers(self) -> Docker:
        return self

    def list(self, filters: dict[str, str], **_: Any) -> list[Container]:
        name, value = filters["label"].split("=")
        return [one for one in self.all if one.labels[name] == value and not one.removed]


def swept(*containers: Container) -> list[str]:
    docker: Any = Docker(*containers)
    return keeper.sweep(docker)


def test_container_is_removed_whose_keeper_does_not_live(tmp_path: Path) -> None:
    lives, ended, gone = (tmp_path / name for name in ("lives", "ended", "gone"))
    for folder in (lives, ended):
        folder.mkdir()
    hold(ended).release()
    lock = hold(lives)

    assert swept(*map(Container, (lives, ended, gone))) == ["ended", "gone"]
    lock.release()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has several views of a machine's files")
def test_container_of_another_job_that_shares_docker_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setattr(keeper, "MOUNTS", tmp_path)
        container = Container(tmp_path / "of-the-other-job")

    assert swept(container) == []


def test_machine_without_such_views_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MOUNTS", tmp_path / "nothing")

    assert swept(Container(tmp_path / "gone")) == ["gone"]
