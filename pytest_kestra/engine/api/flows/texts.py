"""The endpoint of Kestra 2.0 that finds a text in the sources of flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from pytest_kestra.engine.api import queries
from pytest_kestra.engine.api.calls import Call, json_response, route
from pytest_kestra.engine.api.parameters import constant
from pytest_kestra.engine.jvm import java, to_java

MATCHER = "io.kestra.core.utils.SourceSearchMatcher"
SCOPE = "io.kestra.core.models.flows.SourceSearchScope"
READ_ONLY = "system.readOnly"


@dataclass(frozen=True)
class Wanted:
    """Hold what is searched for, and in which section of a flow."""

    text: str | None
    case_sensitive: bool
    whole_word: bool
    regex: bool
    scope: Any

    def pattern(self) -> Any:
        """Return it as Java's pattern; Kestra refuses one that is wrong, or would take for ever."""
        return java(MATCHER).toPattern(self.text, self.case_sensitive, self.whole_word, self.regex)

    def find(self, call: Call, page: Any, namespace: str | None) -> Any:
        """Return a page of the flows that have it, in a namespace and below, with the lines."""
        how = (self.case_sensitive, self.whole_word, self.regex, self.scope)
        return call.kestra.flows.findSourceCode(page, self.text, *how, call.tenant, namespace)


def search(call: Call) -> Response:
    """Answer a page of flows whose source has a text, with the lines where it was found."""
    page = queries.pageable(call, call.kestra.flows)
    scope = constant("scope", call.query.get("scope", "ALL"), SCOPE)
    wanted = Wanted(call.query.get("q"), call.flag("caseSensitive"), call.flag("wholeWord"), call.flag("regex"), scope)
    if wanted.text is not None:
        wanted.pattern()
    found = wanted.find(call, page, call.query.get("namespace"))
    told = [{**place(item.getModel()), "matches": item.getMatches()} for item in found]
    return json_response(call.kestra, to_java({"results": told, "total": found.getTotal()}))


def place(flow: Any) -> dict[str, Any]:
    """Return which flow it is, and whether its source may be changed."""
    return {"namespace": flow.getNamespace(), "id": flow.getId(), "editable": editable(flow)}


def editable(flow: Any) -> bool:
    """Return whether the source of a flow may be changed: unless it is deleted or has the label for that."""
    labels = {str(label.key()): str(label.value()) for label in flow.getLabels() or ()}
    return not flow.isDeleted() and labels.get(READ_ONLY, "").lower() != "true"


ROUTES = [route("flows/source", search)]
