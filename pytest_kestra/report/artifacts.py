"""Files about the executions of a failed test."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from pytest_kestra.records import LogEntry
from pytest_kestra.report.data import execution_data
from pytest_kestra.run.diagnosis.evidence import Evidence
from pytest_kestra.run.diagnosis.text import diagnosis

# What no system forbids in a name; the end of a long one tells more than its beginning.
LONGEST = 120


def folder_of(root: Path, test_id: str) -> Path:
    """Return the folder for the files of a test; where its name does not tell the test apart, a mark does."""
    names, bracket, parameters = test_id.partition("[")
    plain = names.replace("::", "-") + bracket + parameters
    name = re.sub(r"[^\w.\[\]-]+", "_", plain).strip("_.")[-LONGEST:]
    if name != plain:
        name += f"-{hashlib.sha256(test_id.encode(errors='backslashreplace')).hexdigest()[:8]}"
    return root / name


def write_artifacts(folder: Path, evidence: Sequence[Evidence]) -> None:
    """Write `diagnosis.txt`, `execution.json`, `logs.txt` and `flow.yaml` of each execution; no secret is in them.

    What an earlier run has left in the folder is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for one in evidence:
        execution = one.execution
        place = folder / f"{execution.flow_id}-{execution.id}"
        data = execution_data(one)
        files = {
            "diagnosis.txt": diagnosis(execution, one.session),
            "execution.json": json.dumps(data, indent=2, ensure_ascii=False),
            "logs.txt": "\n".join(map(_line, one.logs)),
            "flow.yaml": data["source"],
        }
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8", errors="backslashreplace")


def _line(entry: LogEntry) -> str:
    return f"{entry.timestamp.isoformat()} {entry.level:<5} {entry.task_id or '-'}: {entry.message}"
