"""What to write instead of what Kestra 2.0 no longer takes.

The facts are those of Kestra's migration guide for 2.0 (https://kestra.io/docs/migration-guide/v2.0.0).
"""

from __future__ import annotations

import re

LOOP = (
    "use io.kestra.plugin.core.flow.Loop: `values`, `tasks` and `concurrencyLimit` stay, `taskrun.value` becomes "
    "`item.value`, `outputs.x[taskrun.value]` becomes `outputs.x`, and what later tasks need goes into its `outputs`"
)
DEPENDS = (
    "list the flows it waits for in `dependsOn`, each with its `states`; what else must hold is an expression in "
    "`when`, a time a `window`"
)
WHEN = "say it as one expression in the trigger's `when`, such as `{{ (trigger.date | date('E')) == 'Mon' }}`"

DEFAULTS = "write the values into the tasks that they are for; for a whole server they are policies"
# What a flow as a whole no longer has. Kestra tells one of them at a time, and none where it cannot read a task.
OF_FLOWS = {
    "pluginDefaults": DEFAULTS,
    "taskDefaults": DEFAULTS,
    "listeners": "make a flow of it with a Flow trigger, or use `afterExecution`",
}

# The end of a sentence of ours or of Kestra's, and what to do.
REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), remedy)
    for pattern, remedy in (
        *((rf"^A flow has no property '{name}'", text) for name, text in OF_FLOWS.items()),
        (r"type io\.kestra\.\S*\.(ForEach|ForEachItem|EachSequential|EachParallel)\b", LOOP),
        (r"type io\.kestra\.\S*\.Template\b", "make a flow of the template and call it by a Subflow"),
        (r"type io\.kestra\.plugin\.core\.state\.", "use the key-value store: io.kestra.plugin.core.kv"),
        (r"type io\.kestra\.\S*conditions?\.", WHEN),
        (r"type io\.kestra\.\S*\.LocalFiles\b", "use `inputFiles` and `outputFiles` of the WorkingDirectory"),
        (r"type io\.kestra\.plugin\.langchain4j\.", "use io.kestra.plugin.ai"),
        (r"type BOOLEAN\b", "use BOOL"),
        (r"type ENUM\b", "use SELECT"),
        (r"trigger\.Flow has no property '(preconditions|conditions|timeWindow)'", DEPENDS),
        (r" has no property '(conditions|scheduleConditions)'", WHEN),
        (r"flow\.Pause has no property '(delay|timeout)'", "use `pauseDuration`"),
        (r"flow\.Subflow has no property 'outputs'", "declare `outputs` in the flow that is called"),
        (r" has no property 'maxAttempt'", "use `maxAttempts`"),
        (r" has no property 'runner'", "use `taskRunner`"),
        (r" has no property 'docker'", "use `containerImage`, and a `taskRunner` of Docker"),
        (r" has no property 'autoCommit'", "leave it out"),
        (r"Input\S* has no property 'name'", "use `id`, and `displayName` for people"),
        (r"[Mm]issing inputs for \w+ Trigger", "give the input in the trigger's `inputs`, or a default in the flow"),
    )
)


# Where a sentence goes on with what might help otherwise, and with what does here.
GUESSES = re.compile(r"; did you mean|\. (?=Check|It has)")
SINCE = "; since Kestra 2.0: "


def bare(message: str) -> str:
    """Return what is wrong, without what might help."""
    return GUESSES.split(message.partition(SINCE)[0])[0]


def advised(message: str) -> str:
    """Return what Kestra 2.0 says against a flow with what to do, where that is known, in the place of guesses."""
    found = remedy(message)
    return message if found is None else f"{bare(message).rstrip('.')}{SINCE}{found}."


def remedy(message: str) -> str | None:
    """Return what to do about what Kestra 2.0 says against a flow; None where that is not known."""
    return next((text for pattern, text in REMEDIES if pattern.search(message)), None)
