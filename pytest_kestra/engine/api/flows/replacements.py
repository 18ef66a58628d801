"""The endpoints of Kestra 2.0 that replace a text in the sources of flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api.bodies import Body
from pytest_kestra.engine.api.calls import JSON, Call, json_response, route
from pytest_kestra.engine.api.flows import texts
from pytest_kestra.engine.jvm import java, to_java

# How many flows may be changed at once.
MOST = 1000
# What is around a text in a line where it was found.
MARKS = ("[mark]", "[/mark]")
# A flow that its new source would make wrong is left as it is, and the answer tells why.
WRONG = (
    "jakarta.validation.ConstraintViolationException",
    "io.kestra.core.exceptions.FlowProcessingException",
    "io.kestra.core.exceptions.DeserializationException",
)

# Gives the new source of a flow, None where there is nothing to replace.
Change = Callable[[str], str | None]


def preview(call: Call) -> Response:
    """Answer the lines of all flows that have a text, as they are and as they would be."""
    body = Body(call)
    wanted, pattern, replacement = _read(body, body.value("scope", texts.SCOPE))
    found = wanted.find(call, java("io.micronaut.data.model.Pageable").UNPAGED, body.text("namespace"))
    flows = [
        {**texts.place(item.getModel()), "matches": _lines(item.getMatches(), pattern, replacement)} for item in found
    ]
    told = {
        "totalMatches": sum(len(flow["matches"]) for flow in flows),
        "totalFlows": len(flows),
        "editableFlowCount": sum(flow["editable"] for flow in flows),
        "flows": flows,
    }
    return json_response(call.kestra, to_java(told))


def of_flows(call: Call) -> Response:
    """Replace a text wherever it is in some flows; those that stay as they are are told with the reason."""
    body = Body(call)
    wanted, pattern, replacement = _read(body, body.value("scope", texts.SCOPE))
    places = body.items("flows", MOST)

    def changed(source: str) -> str:
        return str(java(texts.MATCHER).replaceWithinScope(source, pattern, replacement, wanted.scope))

    return _answer(call, [_change(call, place.get("namespace"), place.get("id"), changed) for place in places])


def of_line(call: Call) -> Response:
    """Replace a text once, where it begins in a column of a line; lines count from 1, columns from 0."""
    body = Body(call)
    _, pattern, replacement = _read(body, None)
    line, column = body.number("line", 1) - 1, body.number("column", 0)

    def changed(source: str) -> str | None:
        lines = source.split("\n")
        if line >= len(lines):
            return None
        matcher = java("io.kestra.core.utils.RegexUtils").matcher(pattern, lines[line])
        # As Java counts, which has two places for some characters.
        if column > matcher.regionEnd() or not matcher.find(column) or matcher.start() != column:
            return None
        text = java("java.lang.StringBuilder")()
        matcher.appendReplacement(text, replacement)
        lines[line] = str(matcher.appendTail(text))
        return "\n".join(lines)

    return _answer(call, [_change(call, body.required("namespace"), body.required("id"), changed)])


def _read(body: Body, scope: Any) -> tuple[texts.Wanted, Any, str]:
    """Return what is to be replaced, its pattern, and what takes its place, as Java's matchers read it."""
    text, replacement = body.required("query"), body.required("replacement", blank=True)
    scope = scope or java(texts.SCOPE).ALL
    wanted = texts.Wanted(text, body.flag("caseSensitive"), body.flag("wholeWord"), body.flag("regex"), scope)
    pattern = wanted.pattern()
    java(texts.MATCHER).ensureValidReplacement(pattern, replacement, wanted.regex)
    if not wanted.regex:
        replacement = str(java("java.util.regex.Matcher").quoteReplacement(replacement))
    return wanted, pattern, replacement


def _lines(matches: Iterable[Any], pattern: Any, replacement: str) -> list[dict[str, Any]]:
    found = []
    for match in matches:
        before = str(match.snippet())
        for mark in MARKS:
            before = before.replace(mark, "")
        after = java("io.kestra.core.utils.RegexUtils").matcher(pattern, before).replaceAll(replacement)
        found.append({"line": match.line(), "before": before, "after": after})
    return found


def _change(call: Call, namespace: Any, flow_id: Any, changed: Change) -> Any:
    """Return a flow with its new source, or, where it stays as it is, its place and why."""

    def skipped(reason: str, message: str | None = None) -> dict[str, Any]:
        return {"namespace": namespace, "id": flow_id, "reason": reason, "message": message}

    found = call.kestra.flows.findByIdWithSource(call.tenant, namespace, flow_id)
    if found.isEmpty():
        return skipped("NOT_FOUND")
    flow = found.get()
    if not texts.editable(flow):
        return skipped("READ_ONLY")
    source = changed(str(flow.getSource()))
    if source is None:
        return skipped("NO_MATCH")
    if source == flow.getSource():
        return skipped("NO_CHANGE")
    try:
        return call.kestra.update_flow(
            java("io.kestra.core.models.flows.GenericFlow").fromYaml(call.tenant, source), flow
        )
    except tuple(java(name) for name in WRONG) as error:
        return skipped("INVALID_FLOW", str(error.getMessage()))


def _answer(call: Call, results: list[Any]) -> Response:
    skipped = [result for result in results if isinstance(result, dict)]
    updated = [result for result in results if not isinstance(result, dict)]
    return json_response(call.kestra, to_java({"updated": updated, "skipped": skipped}))


ROUTES = [
    route("flows/source/replace/preview", preview, "POST", consumes=JSON),
    route("flows/source/replace/apply", of_flows, "POST", consumes=JSON),
    route("flows/source/replace/line", of_line, "POST", consumes=JSON),
]
