"""What Kestra says against the value of an input, in words that say what to do."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from typing import Any

from pytest_kestra.records import Json

# What an input of a type takes; other types refuse nothing, or say why.
TAKES = {
    "INT": "a whole number below 2147483648, such as 3",
    "FLOAT": "a number such as 2.5",
    "DATE": "a date such as 2026-01-31",
    "DATETIME": "a date and time with a zone, such as 2026-01-31T10:00:00Z",
    "TIME": "a time such as 10:30:00",
    "DURATION": "a timedelta, or a time span such as PT5M",
    "JSON": "what JSON has, such as a dict, or its text",
    "YAML": "the text of YAML",
    "ARRAY": "a list",
    "MULTISELECT": "a list",
    "URI": "a URI such as https://example.com/a",
    "FILE": "a Path, bytes, or the kestra:/// URI of a file that Kestra has",
}
# How libraries of Java's say that they cannot read a text.
UNREADABLE = ("For input string", "Illegal character", "Expected ", "Cannot convert value ")

SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 80


def named(message: str) -> str | None:
    """Return the id of the input that a message of Kestra's names; None where it names none."""
    match = re.match(r"(?:Missing required input:\s*|Invalid value for input `)([^\s`]+)", told(message))
    return None if match is None else match[1]


def told(message: str) -> str:
    """Return what Kestra says, on one line and without where Jackson was in its reading."""
    text = message.removeprefix("Invalid entity: ").strip().removeprefix("errors:").replace("```", " ")
    return " ".join(re.sub(r"\s*(at \[Source: .*?\]|\(start marker .*)(?=\s*$)", "", " ".join(text.split())).split())


def reason(message: str, definition: Json, given: Mapping[str, Any]) -> str:
    """Return what an input does not like, as the end of a sentence that begins with it; `given` are all values."""
    text = told(message)
    if text.startswith("Missing required input"):
        return "is required and has no default"
    key, kind = str(definition["id"]), definition.get("type")
    why = re.sub(r"^Invalid value for input `[^`]*`\.\s*(?:Cause: )?", "", text)
    if (why == text or why.startswith(UNREADABLE)) and kind in TAKES:
        return f"takes {TAKES[kind]}, " + (
            f"not {SHORT.repr(given[key])}" if key in given else "which its default is not"
        )
    shown = SHORT.repr(given[key]) if key in given and kind != "SECRET" else "this value"
    return f"does not take {shown}: {why.rstrip('.')}"
