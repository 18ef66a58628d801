"""What a test uses, as one; tests/plugin/test_scopes.py is about what pytest makes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pytest_kestra.report.used import Made, Used


def made(*ids: str, shared: bool, secret: str = "-") -> Made:
    """Return what a fixture has made: executions with these ids, the state of each its id in capitals."""
    executions = {execution_id: SimpleNamespace(id=execution_id) for execution_id in ids}
    states = {execution_id: execution_id.upper() for execution_id in ids}
    kestra: Any = SimpleNamespace(
        started=list(ids),
        known_state=states.get,
        execution=executions.__getitem__,
        executions=lambda: list(executions.values()),
        masked=lambda text: text.replace(secret, "*"),
    )
    return Made("kestra", kestra, SimpleNamespace(), shared)  # type: ignore[arg-type]


def ids(executions: list[Any]) -> list[str]:
    return [execution.id for execution in executions]


def test_executions_of_all_come_in_the_order_of_scopes() -> None:
    used = Used([made("a", "b", shared=True), made("c", shared=False)])

    assert used.started == ids(used.executions()) == ["a", "b", "c"]
    assert [used.known_state(one) for one in ("b", "c", "d")] == ["B", "C", None]
    assert used.execution("c").id == "c"


def test_what_is_shared_is_exported_once() -> None:
    shared = made("a", "b", shared=True)
    first, second = (Used([shared, made(name, shared=False)]) for name in ("c", "d"))
    for used, exported in ((first, ["a", "b", "c"]), (first, ["c"]), (second, ["d"])):
        found = used.untold()
        used.tell(found)
        assert ids(found) == exported
    assert ids(second.executions()) == ["a", "b", "d"]


def test_secrets_of_all_are_masked() -> None:
    used = Used([made(shared=True, secret="ada"), made(shared=False, secret="bob")])

    assert used.masked("ada and bob") == "* and *"
