"""Answers that are tables: comma-separated values, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.calls import Call
from pytest_kestra.engine.jvm import java


def csv_response(call: Call, file_name: str, items: Iterable[Any]) -> Response:
    """Answer a file with a line for each of some Java objects; the first one's properties are the columns."""
    mapping = java("java.util.Map").class_
    rows = [dict(call.kestra.json.convertValue(item, mapping)) for item in items]
    text = io.StringIO()
    if rows:
        table = csv.DictWriter(text, list(rows[0]), restval="", extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({name: _text(value) for name, value in row.items()})
    headers = {"content-disposition": f"attachment; filename={file_name}"}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _text(value: Any) -> str:
    """Return a value as Java writes it."""
    return str(java("java.lang.String").valueOf(value))
