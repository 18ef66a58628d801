"""What the embedded engine rightly answers otherwise than the recorded server, each with its reason."""

from __future__ import annotations

# How many exchanges were recorded.
RECORDED = 158

OWN = "flows find the credentials for the engine's own API among the secrets"
UNKNOWN = "the jars that Kestra publishes do not tell from which commit they were built"
STAND_IN = "where no official plugin is configured, classes of the same names stand in, outside of a plugin's jar"
DIFFERENCES: dict[str, dict[str, str]] = {
    "149": {
        '$.results[] has also {"key": "KESTRA_API_PASSWORD"}': OWN,
        '$.results[] has also {"key": "KESTRA_API_USER"}': OWN,
    },
    "151": {"$.commitDate is missing": UNKNOWN, "$.commitId is missing": UNKNOWN},
    "152": {
        '$.core.tasks[] has also {"cls": "<text>"}': STAND_IN,
        "$.plugin-script-python is missing": STAND_IN,
        "$.plugin-script-shell is missing": STAND_IN,
    },
    "153": {"$.schema.properties.properties.pluginDefaultsRef was not recorded": "1.3.31 has it, 1.3.19 had not"},
}

# What depends on which of two is faster.
SOMETIMES: dict[str, dict[str, str]] = {
    "053": {'$.between[] lacks "progress"': "the execution has ended before it was followed"},
    "114": {"$.taskRunList was not recorded": "the one that was unqueued before it has ended, so this one runs"},
}
