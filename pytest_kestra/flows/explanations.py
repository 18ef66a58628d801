"""What Kestra says against a flow, in fewer words, with the remedy."""

from __future__ import annotations

import re

from pytest_kestra.errors import hint


def explained(message: str) -> str:
    """Return what Kestra says in a shorter form that names the remedy."""
    text = re.sub(r"^(Invalid entity|Validation error|Illegal \w+ source): ", "", message.strip())
    if match := re.match(
        r"Unrecognized field \"(.+?)\" \(class (\S+?)\).*?known properties: ([^)]*)\)", text, re.DOTALL
    ):
        field, owner, known = match.groups()
        names = sorted(known.replace('"', "").replace(",", " ").split())
        what = "A flow" if owner.endswith(".FlowWithSource") else owner
        return f"{what} has no property {field!r}{hint(field, names)}"
    if match := re.match(r"Invalid type: (\S+)", text):
        return (
            f"Kestra does not know the type {match[1]}. Check its spelling, or name the plugin that has it in the "
            "fixture kestra_plugins."
        )
    if wrong := _wrong_kind(text):
        return wrong
    # Where Jackson was in its reading says nothing to who wrote the text.
    text = re.sub(r"\s*(at \[Source: [^\]]*\]|\(through reference chain: .*?\)|\(at line -?\d+\))", "", text)
    lines = text.splitlines()
    return "; ".join(line.strip() for line in lines if line.strip()) or message


def _wrong_kind(text: str) -> str | None:
    """Return what a property takes and what it was given, where this is what Jackson says."""
    value, reason = None, ""
    if match := re.search(
        r"Cannot deserialize value of type `(\S+?)(?:<.*?>)?` from (\w+) (?:value|(\".*?\"))(.*)", text
    ):
        wished, given, value, reason = match.groups()
    elif match := re.search(r"Cannot construct instance of `(\S+?)`.*? no (\w+)-argument", text):
        wished, given = match.groups()
    elif match := re.search(r"Cannot coerce empty String \(\"\"\) to element of `(\S+?)`", text):
        wished, given, value = match[1], "String", "an empty text"
    else:
        return None
    names = re.findall(r"\[\"(.*?)\"\]", text.partition("reference chain")[2])
    takes = f"`{names[-1]}` takes" if names else "This takes"
    if match := re.search(r"Enum class: \[(.*?)\]", reason):
        return f"{takes} {match[1]}, not {value}."
    return f"{takes} {_kind(wished)}, not {value or _kind(given)}."


def _kind(name: str) -> str:
    """Return how people call a type of Java's or of JSON's."""
    words = {
        **dict.fromkeys(("ArrayList", "List", "Array", "Set"), "a list"),
        **dict.fromkeys(("LinkedHashMap", "HashMap", "Map", "Object"), "a mapping"),
        **dict.fromkeys(("Integer", "Long", "int", "long"), "a whole number"),
        **dict.fromkeys(("Boolean", "boolean"), "true or false"),
        "String": "a text",
        "Double": "a number",
        "Floating": "a number",
        "Duration": "a duration such as PT5M",
    }
    short = re.split(r"[.$]", name)[-1]
    return words.get(short, short)
