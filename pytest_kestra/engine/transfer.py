"""Bringing one file into place: verified while it arrives, resumed after an interruption."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from pytest_kestra.engine import remote
from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.files import BLOCK, stamp
from pytest_kestra.engine.home import writing
from pytest_kestra.engine.remote import Remote, TransientError
from pytest_kestra.engine.repository import ADDRESS_VARIABLE


@dataclass(frozen=True)
class Item:
    """Name a file by its path below the repository, where it goes, and the digest and size by which it is known."""

    path: str
    target: Path
    digest: str
    size: int | None = None
    algorithm: str = "sha256"

    @property
    def part(self) -> Path:
        """Return the file that holds what has arrived."""
        return self.target.with_name(f"{self.target.name}.part")

    def hash(self) -> Any:
        """Return an empty hash of the kind that the digest is of."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


class StoppedError(Exception):
    """Say that a transfer was told to stop."""


@dataclass
class Transfer:
    """Bring one file into place, and report the bytes that arrive.

    `needed` is what the disk must hold, in bytes, for the text of an error.
    """

    item: Item
    remote: Remote
    stopped: Event
    report: Callable[[int], None]
    needed: int
    counted: int = 0
    wrong: str = ""

    def run(self) -> None:
        """Copy the file from the local repository if it is there, else download it; InstallError if neither can be."""
        if not self._copied():
            self._downloaded()

    def _copied(self) -> bool:
        local, item = self.remote.repository.local, self.item
        if local is None:
            return False
        try:
            content = (local / item.path).read_bytes()
        except OSError:
            return False
        hashed = item.hash()
        hashed.update(content)
        if hashed.hexdigest() != item.digest:
            return False
        with self._writing():
            item.part.write_bytes(content)
        self._count(len(content))
        self._finish()
        return True

    def _downloaded(self) -> None:
        if self._streamed() or self._streamed():
            return
        item = self.item
        raise InstallError(
            f"{item.path} from {self.remote.repository} is not the right file: {self.wrong}, twice. It was deleted. "
            f"A proxy or mirror may have changed it: set {ADDRESS_VARIABLE} to a repository that serves the original."
        )

    def _streamed(self) -> bool:
        """Receive the file, trying again as long as there is hope; return whether it is the right one."""
        item = self.item
        failures = furthest = 0
        while True:
            try:
                digest, size = self._receive()
                break
            except TransientError as error:
                failures = 1 if self.counted > furthest else failures + 1
                furthest = max(furthest, self.counted)
                if failures > remote.RETRIES:
                    raise self.remote.unreachable(item.path, error) from error
                if self.stopped.wait(remote.BACKOFF_S * 2 ** (failures - 1)):
                    raise StoppedError from error
        if digest == item.digest:
            self._finish()
            return True
        expected = "" if item.size is None else f"{item.size} bytes and "
        self.wrong = f"expected {expected}{item.algorithm} {item.digest}, got {size} bytes and {digest}"
        with self._writing():
            item.part.unlink(missing_ok=True)
        self._count(0)
        return False

    def _receive(self) -> tuple[str, int]:
        """Receive what is missing; return digest and size of the whole."""
        item = self.item
        hashed, size = self._received()
        self._count(size)
        if size and size == item.size:
            return hashed.hexdigest(), size
        with self.remote.stream(item.path, size) as answer:
            if answer.status_code == 416:  # nothing was missing
                return hashed.hexdigest(), size
            if not answer.headers.get("content-range", "").startswith(f"bytes {size}-"):
                hashed, size = item.hash(), 0
            with self._writing(), item.part.open("ab" if size else "wb") as part:
                for block in answer.iter_bytes():
                    if self.stopped.is_set():
                        raise StoppedError
                    part.write(block)
                    hashed.update(block)
                    size += len(block)
                    self._count(size)
                    if item.size is not None and size > item.size:
                        break
        return hashed.hexdigest(), size

    def _received(self) -> tuple[Any, int]:
        """Return the hash and the size of what an interrupted transfer left."""
        item = self.item
        hashed, size = item.hash(), 0
        with contextlib.suppress(OSError), item.part.open("rb") as part:
            while block := part.read(BLOCK):
                hashed.update(block)
                size += len(block)
        if item.size is not None and size > item.size:
            return item.hash(), 0
        return hashed, size

    def _finish(self) -> None:
        with self._writing():
            stamp(self.item.part)
            self.item.part.replace(self.item.target)

    def _count(self, size: int) -> None:
        """Report what is new since the last time; less than nothing when the transfer starts over."""
        if size != self.counted:
            self.report(size - self.counted)
            self.counted = size

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with writing(self.item.target.parent, self.needed):
                yield
        except InstallError:
            with contextlib.suppress(OSError):
                self.item.part.unlink()
            raise
