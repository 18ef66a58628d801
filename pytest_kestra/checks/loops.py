"""What the tasks in a loop of Kestra 2.0 see, whose rounds are executions of their own, and others do not see of them.

The variables are those of `RunVariables.of(LoopRun)`.
"""

from __future__ import annotations

from pytest_kestra.checks.pebble import Reference
from pytest_kestra.errors import hint
from pytest_kestra.flows.outline import Path, Task, text_at
from pytest_kestra.records.flows import LOOP

PARENT = ["index", "key", "value"]
ITEM = [*PARENT, "parent", "parents"]


def around(path: Path) -> list[str]:
    """Return the ids of the loops that a way through a flow leads into, outermost first."""
    return [text_at(step.node, "id") or "" for step in path if text_at(step.node, "type") == LOOP]


def wrong_item(reference: Reference, path: Path) -> str | None:
    """Return what is wrong with what an expression wants of `item`, or of the `taskrun` of older loops."""
    shown = ".".join(reference.names[:2])
    loops = around(path)
    if reference.names[0] == "taskrun":
        return f"`{shown}`: a Loop sets `item.value` instead." if loops and shown == "taskrun.value" else None
    # A variable may be meant for the tasks of a loop.
    if path and path[0].key != "variables" and not loops:
        return f"`{shown}`: only the tasks in a Loop have an item."
    name, below = reference.names[1], reference.names[2:3]
    if name not in ITEM:
        return f"`{shown}`: item has no {name!r}{hint(name, ITEM)}"
    if name == "parent" and below and below[0] not in PARENT:
        return f"`{shown}.{below[0]}`: item.parent has no {below[0]!r}{hint(below[0], PARENT)}"
    return None


def closed_to(path: Path, used: Task) -> str | None:
    """Return the id of the outermost loop that a task is in, and a way through its flow is not."""
    outside = around(path)
    inside = around(used.path)
    return next((loop for place, loop in enumerate(inside) if outside[place : place + 1] != [loop]), None)
