"""Flows that other flows trigger can be waited for."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pytest_kestra import Flow, Kestra, WaitTimeout
from tests.engine.lines import is_two

CORE = "io.kestra.plugin.core."
NAME = {"id": "name", "type": "STRING", "defaults": "nobody"}
SHOW = {"id": "show", "type": f"{CORE}debug.Return", "format": "{{ inputs.name }}"}


def flow(name: str, **more: Any) -> str:
    outputs = [{"id": "said", "type": "STRING", "value": "{{ inputs.name }}"}]
    made = {"id": name, "namespace": "company.team", "inputs": [NAME], "tasks": [SHOW], "outputs": outputs, **more}
    return yaml.safe_dump(made, sort_keys=False)


def after(**more: Any) -> list[dict[str, Any]]:
    return [{"id": "after", "type": f"{CORE}trigger.Flow", **more}]


def of(name: str, **more: Any) -> dict[str, Any]:
    return {"namespace": "company.team", "flowId": name, **more}


def waits_for(kestra: Kestra, *flows: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Return a trigger that starts a flow when all of others have succeeded."""
    listed = [{**one, "states": ["SUCCESS"]} for one in flows]
    if is_two(kestra.client):
        return after(dependsOn=listed, **more)
    return after(preconditions={"id": "wished", "flows": listed}, **more)


def condition(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"{CORE}condition.{kind}", **more}


@pytest.fixture
def up(kestra: Kestra) -> Flow:
    return kestra.deploy(flow("up"))


def test_after_a_precondition_with_its_outputs(kestra: Kestra, up: Flow) -> None:
    wished = waits_for(kestra, of("up"), inputs={"name": "{{ trigger.outputs.said }}!"})
    down = kestra.deploy(flow("down", triggers=wished))
    first, second = (up.run({"name": name}) for name in ("Ada", "Bob"))

    # Each is that of its own cause, in whatever order they are asked for.
    for cause, said in ((second, "Bob!"), (first, "Ada!")):
        triggered = kestra.wait_for_execution(down, triggered_by=cause)
        assert (triggered.state, triggered.outputs) == ("SUCCESS", {"said": said})
        assert triggered.triggered_by == cause.id


def test_only_where_conditions_hold(kestra: Kestra, up: Flow) -> None:
    go = "{{ trigger.outputs.said == 'go' }}"
    only = after(
        conditions=[condition("ExecutionFlow", **of("up")), condition("ExecutionOutputs", expression=go)],
    )
    if is_two(kestra.client):
        only = after(dependsOn=[of("up", states=["SUCCESS"], when="{{ labels.go == 'yes' }}")])
    down = kestra.deploy(flow("down", triggers=only))
    staying, going = (up.run({"name": name}, labels={"go": go}) for name, go in (("stay", "no"), ("go", "yes")))

    assert kestra.wait_for_execution(down, triggered_by=going).state == "SUCCESS"
    with pytest.raises(WaitTimeout, match=r"^No execution of down was started by .* within 0.2 s"):
        kestra.wait_for_execution(down, triggered_by=staying, timeout=0.2)


def test_after_a_failure(kestra: Kestra) -> None:
    fail = {"id": "show", "type": f"{CORE}execution.Fail"}
    up = kestra.deploy(flow("up", tasks=[fail], outputs=[]))
    wished = after(states=["FAILED"], conditions=[condition("ExecutionFlow", **of("up"))])
    if is_two(kestra.client):
        wished = after(dependsOn=[of("up", states=["FAILED"])])
    down = kestra.deploy(flow("down", triggers=wished))
    failed = up.run()

    assert failed.state == "FAILED"
    assert kestra.wait_for_execution(down, triggered_by=failed).state == "SUCCESS"


def test_after_two_flows(kestra: Kestra, up: Flow) -> None:
    other = kestra.deploy(flow("other"))
    down = kestra.deploy(flow("down", triggers=waits_for(kestra, of("up"), of("other"))))
    up.run()
    last = other.run()

    assert kestra.wait_for_execution(down, triggered_by=last).state == "SUCCESS"
    assert len(down.executions()) == 1


def test_a_chain(kestra: Kestra, up: Flow) -> None:
    middle, last = (
        kestra.deploy(flow(name, triggers=waits_for(kestra, of(before))))
        for name, before in (("middle", "up"), ("last", "middle"))
    )
    second = kestra.wait_for_execution(middle, triggered_by=up.run())

    assert kestra.wait_for_execution(last, triggered_by=second).state == "SUCCESS"
