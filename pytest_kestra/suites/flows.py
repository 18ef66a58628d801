"""Finding the flow of a suite, and the flows that it runs, among the folders of a project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from pytest_kestra.errors import FlowError, hint
from pytest_kestra.flows.files import SUFFIXES, one
from pytest_kestra.flows.outline import Outline, text_at
from pytest_kestra.flows.source import FlowSource
from pytest_kestra.flows.variants import select
from pytest_kestra.suites.source import SuiteSource

# Folders that hold no flows of a project's own.
SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "build", "dist"})
FLOW_LIKE = re.compile(r"^tasks\s*:", re.MULTILINE)
Key = tuple[str, str]


class FlowFolders:
    """Know the flows in some folders and those in them, as a line of Kestra is given them; they are read once."""

    def __init__(self, folders: Iterable[Path], line: str | None = None) -> None:
        self.folders, self.line = list(folders), line

    @cached_property
    def _flows(self) -> dict[Key, list[FlowSource]]:
        found: dict[Key, list[FlowSource]] = {}
        files = dict.fromkeys(file.resolve() for folder in self.folders for file in _files(folder))
        for file in select(files, self.line):
            if (flow := _flow(file)) is not None:
                found.setdefault(flow.key, []).append(flow)
        return found

    def of_suite(self, suite: SuiteSource) -> list[FlowSource]:
        """Return the flow of a suite first, then those that it runs as subflows, as far as they are here.

        FlowError where the flow is not here, or is here twice.
        """
        first = self._only((suite.namespace, suite.flow_id), suite)
        found = {first.key: first}
        waiting = [first]
        while waiting:
            for task in Outline(waiting.pop()).tasks:
                key = text_at(task.node, "namespace") or "", text_at(task.node, "flowId") or ""
                for flow in self._flows.get(key, ())[:1]:
                    if flow.key not in found:
                        found[flow.key] = flow
                        waiting.append(flow)
        return list(found.values())

    def _only(self, key: Key, suite: SuiteSource) -> FlowSource:
        flows = self._flows.get(key, [])
        if len(flows) == 1:
            return flows[0]
        folders = ", ".join(map(str, self.folders))
        if flows:
            names = " and ".join(flow.name for flow in flows)
            raise suite.error(f"the flow {key[0]}.{key[1]} is there more than once, in {names}.", ["flowId"])
        known = [f"{namespace}.{flow_id}" for namespace, flow_id in sorted(self._flows)]
        raise suite.error(
            f"there is no flow {key[0]}.{key[1]} below {folders}{hint('.'.join(key), known)} Name its folder in "
            "kestra_flow_folders.",
            ["flowId"],
        )


def _files(folder: Path) -> Iterator[Path]:
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() and not (folder / "pyvenv.cfg").exists() else []
    except PermissionError:  # a folder of somebody else, such as of a container's database
        return
    for path in paths:
        if path.is_dir():
            if not path.name.startswith(".") and path.name not in SKIPPED:
                yield from _files(path)
        elif path.suffix in SUFFIXES:
            yield path


def _flow(file: Path) -> FlowSource | None:
    """Return the flow of a file; None where it is none, or cannot be read."""
    try:
        if not FLOW_LIKE.search(file.read_text(encoding="utf-8", errors="replace")):
            return None
        flow = one(file)
        _ = flow.key
        return flow
    except (FlowError, OSError):
        return None
