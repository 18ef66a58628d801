"""An engine of a test's own, which also ends with the run that it is tested in, however that ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pytest_kestra.engine.home import Home
from pytest_kestra.engine.install import Installation, install
from pytest_kestra.engine.launcher import Launch
from pytest_kestra.engine.lease import Lease
from pytest_kestra.engine.progress import SilentProgress
from pytest_kestra.engine.repository import Repository
from pytest_kestra.engine.spawn import log_tail
from pytest_kestra.engine.training import train
from pytest_kestra.server.engines import stop_engine
from pytest_kestra.server.run import Run

Launched = Callable[..., AbstractContextManager[Lease]]


def installed(line: str) -> Installation:
    """Return the engine of a line that `pytest-kestra engine install` has installed, or install it."""
    home, repository = Home.configured(), Repository.configured()
    return install(line, home=home, repository=repository, progress=SilentProgress(), train=train)


@contextlib.contextmanager
def launched(installation: Installation, run: Run, folder: Path, **values: Any) -> Iterator[Lease]:
    """Start an engine in a folder, with more arguments of `Launch`; stop it afterwards, and print its log."""
    lease = Launch(installation, folder, owner_lock=run.owner_lock, **values).start()
    try:
        yield lease
    finally:
        stop_engine(folder)
        print(log_tail(folder, 400))
