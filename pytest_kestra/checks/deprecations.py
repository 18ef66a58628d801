"""What Kestra calls deprecated: where it stands in the text, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import yaml

from pytest_kestra.checks.findings import Finding
from pytest_kestra.client.client import Client
from pytest_kestra.errors import NotFoundError
from pytest_kestra.flows.outline import Outline, key_line, line_of, node_at, text_at
from pytest_kestra.records import Json

# Of a flow itself, for which Kestra has no schema that says so.
OF_FLOWS = {
    "taskDefaults": "use `pluginDefaults` instead",
    "listeners": "use `afterExecution`, or a flow with a Flow trigger, instead",
}
# Of inputs, which have no schema of their own: a type, or a property.
OF_INPUTS = {"BOOLEAN": "use BOOL instead", "ENUM": "use SELECT instead", "name": "use `id` instead"}
ADVICE = re.compile(r"\buse\b|\bused\b|\binstead\b|\breplaced\b|\bprefer\b", re.IGNORECASE)
# Some sentences of Kestra's follow each other without a blank.
SENTENCE_END = re.compile(r"\.(?=\s|$|[A-Z][a-z]+ )|\n")


class Deprecations:
    """Explain Kestra's paths of what is deprecated, with the schemas of a server, each of which is asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._schemas: dict[str, Json] = {}

    def findings(self, outline: Outline, paths: Iterable[str]) -> Iterator[Finding]:
        """Return a warning for each place that these paths may mean."""
        for path in dict.fromkeys(paths):
            # Kestra's path of what is in a flowable task begins at that task, so that it may mean several places.
            places = [place for _, node in outline.nodes for place in _places(node, path)]
            meant = [
                (node, name) for node, name in places if node is outline.root or self._advice(node, name) is not None
            ]
            for node, name in meant or places[:1]:
                line = key_line(node, name) if name else line_of(node, "type")
                kind = text_at(node, "type") or ""
                what = f"`{name}`" if name else f"the type {kind}"
                advice = OF_FLOWS.get(name) if node is outline.root else self._advice(node, name)
                advice = advice or OF_INPUTS.get(name or kind)
                message = f"{what} is deprecated{': ' + advice if advice else ''}."
                yield Finding(outline.source.name, line or 0, "warning", message)

    def _advice(self, node: yaml.MappingNode, name: str) -> str | None:
        """Return what to do about a property, or without a name a type; an empty text where Kestra gives no advice.

        None where its schema does not call it deprecated.
        """
        schema = self._schema(text_at(node, "type") or "")
        part: Json = schema.get("properties", {}).get(name, {}) if name else schema
        if str(part.get("$deprecated")).lower() != "true":
            return None
        text = f"{part.get('title') or ''}.\n{part.get('description') or ''}".replace("*", "")
        found = next((sentence for sentence in SENTENCE_END.split(text) if ADVICE.search(sentence)), "")
        advice = re.sub(r"^\W*(this \w+ is )?deprecated\W+(and )?", "", found.strip(), flags=re.IGNORECASE)
        advice = re.sub(r"\[(.*?)\]\(\S*?\)", r"\1", advice)  # links of Markdown
        return advice[:1].lower() + advice[1:]

    def _schema(self, kind: str) -> Json:
        if kind not in self._schemas:
            try:
                self._schemas[kind] = self._client.plugins.schema(kind)
            except NotFoundError:
                self._schemas[kind] = {}
        return self._schemas[kind]


def _places(node: yaml.Node, path: str) -> Iterator[tuple[yaml.MappingNode, str]]:
    """Return the mapping that a path from a node leads to, with the property that it names, or none."""
    *steps, last = re.findall(r"\w+", path)
    if not isinstance(node, yaml.MappingNode) or node_at(node, [*steps, last]) is None:
        return
    owner = node_at(node, [*steps, last] if last.isdigit() else steps)
    if isinstance(owner, yaml.MappingNode):
        yield owner, "" if last.isdigit() else last
