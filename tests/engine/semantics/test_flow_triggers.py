"""Flows that other flows trigger can be waited for."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pytest_kestra import Flow, Kestra, WaitTimeout

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


def condition(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"{CORE}condition.{kind}", **more}


@pytest.fixture
def up(kestra: Kestra) -> Flow:
    return kestra.deploy(flow("up"))


def test_after_a_precondition_with_its_outputs(kestra: Kestra, up: Flow) -> None:
    wished = {"id": "up", "flows": [of("up", states=["SUCCESS"])]}
    down = kestra.deploy(
        flow("down", triggers=after(preconditions=wished, inputs={"name": "{{ trigger.outputs.said }}!"}))
    )
    first, second = (up.run({"name": name}) for name in ("Ada", "Bob"))

    # Each is that of its own cause, in whatever order they are asked for.
    for cause, said in ((second, "Bob!"), (first, "Ada!")):
        triggered = kestra.wait_for_execution(down, triggered_by=cause)
        assert (triggered.state, triggered.outputs) == ("SUCCESS", {"said": said})
        assert triggered.triggered_by == cause.id


def test_only_where_conditions_hold(kestra: Kestra, up: Flow) -> None:
    conditions = [
        condition("ExecutionFlow", **of("up")),
        condition("ExecutionOutputs", expression="{{ trigger.outputs.said == 'go' }}"),
    ]
    down = kestra.deploy(flow("down", triggers=after(conditions=conditions)))
    staying, going = up.run({"name": "stay"}), up.run({"name": "go"})

    assert kestra.wait_for_execution(down, triggered_by=going).state == "SUCCESS"
    with pytest.raises(WaitTimeout, match=r"^No execution of down was started by .* within 0.2 s"):
        kestra.wait_for_execution(down, triggered_by=staying, timeout=0.2)


def test_after_a_failure(kestra: Kestra) -> None:
    fail = {"id": "show", "type": f"{CORE}execution.Fail"}
    up = kestra.deploy(flow("up", tasks=[fail], outputs=[]))
    down = kestra.deploy(
        flow("down", triggers=after(states=["FAILED"], conditions=[condition("ExecutionFlow", **of("up"))]))
    )
    failed = up.run()

    assert failed.state == "FAILED"
    assert kestra.wait_for_execution(down, triggered_by=failed).state == "SUCCESS"


def test_after_two_flows(kestra: Kestra, up: Flow) -> None:
    other = kestra.deploy(flow("other"))
    both = {"id": "both", "flows": [of("up", states=["SUCCESS"]), of("other", states=["SUCCESS"])]}
    down = kestra.deploy(flow("down", triggers=after(preconditions=both)))
    up.run()
    last = other.run()

    assert kestra.wait_for_execution(down, triggered_by=last).state == "SUCCESS"
    assert len(down.executions()) == 1


def test_a_chain(kestra: Kestra, up: Flow) -> None:
    middle, last = (
        kestra.deploy(
            flow(name, triggers=after(preconditions={"id": before, "flows": [of(before, states=["SUCCESS"])]}))
        )
        for name, before in (("middle", "up"), ("last", "middle"))
    )
    second = kestra.wait_for_execution(middle, triggered_by=up.run())

    assert kestra.wait_for_execution(last, triggered_by=second).state == "SUCCESS"
