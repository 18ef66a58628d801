"""Executions that pause more than once."""

from __future__ import annotations

import pytest

from pytest_kestra import Execution, InputError, Kestra, UnexpectedStateError
from pytest_kestra.run.waiting import poll

TWO_PAUSES = """\
id: twice
namespace: company.team
tasks:
  - {id: first, type: io.kestra.plugin.core.flow.Pause}
  - {id: second, type: io.kestra.plugin.core.flow.Pause}
"""


def test_second_pause_is_waited_for_after_the_first(kestra: Kestra) -> None:
    first = kestra.deploy(TWO_PAUSES).run_until("PAUSED")

    first.resume()
    second = first.wait(until="PAUSED")
    assert second.task("second").state == "PAUSED"
    assert second.task("first").state == "SUCCESS"
    assert second.resume().wait().state == "SUCCESS"
    with pytest.raises(UnexpectedStateError, match=r"^twice is SUCCESS and was not PAUSED again"):
        second.wait(until="PAUSED")


SIDE_BY_SIDE = """\
id: both
namespace: company.team
tasks:
  - id: together
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: left, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: here, type: INT}]}
      - {id: right, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: there, type: INT}]}
"""


def test_first_of_two_pauses_is_resumed(kestra: Kestra) -> None:
    def both(execution: Execution) -> bool:
        return [str(run.state) for run in execution.task_runs].count("PAUSED") == 2

    paused = kestra.deploy(SIDE_BY_SIDE).run_until("PAUSED")
    paused = poll(paused.refresh, both, 60)
    first, second = ("left", "here"), ("right", "there")
    if [run.task_id for run in paused.task_runs if run.state == "PAUSED"] == ["right", "left"]:
        first, second = second, first

    with pytest.raises(InputError, match=f"the task {first[0]} has no input '{second[1]}'"):
        paused.resume({second[1]: 1})
    paused.resume({first[1]: 1})
    left = poll(paused.refresh, lambda execution: execution.task(first[0]).state == "SUCCESS", 60)
    left = left.wait(until="PAUSED")
    assert left.resume({second[1]: 2}).wait().state == "SUCCESS"
