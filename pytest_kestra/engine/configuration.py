"""Kestra's configuration for an engine that lives in one process and forgets everything when it ends.

The keys are Kestra's and Micronaut's own; see https://kestra.io/docs/configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_kestra.engine import database

PROCESS_RUNNER = "io.kestra.plugin.core.runner.Process"
# What Kestra 2.0 takes besides. It knows itself which tables there are.
TWO_ZERO = {
    # Our queues rest until they are woken.
    "kestra.jdbc.queues.min-poll-interval": "0ms",
    "kestra.jdbc.queues.max-poll-interval": "0ms",
    # A bean of Micronaut's, which the health indicators bring to life, would listen on all addresses.
    "grpc.server.enabled": False,
    "grpc.server.health.enabled": False,
    # What it adds up for the pages of statistics is the same before.
    "kestra.jdbc.execution-statistics.compactor.initial-delay": "1d",
    "kestra.jdbc.execution-statistics.compactor.fixed-delay": "1d",
    # Nothing is fetched from elsewhere without being asked for.
    "kestra.plugins.auto-install.enabled": False,
}


def properties(
    *, storage: Path, url: str, plugins: Path | None, encryption_key: str, migrate: bool, line: str
) -> dict[str, Any]:
    """Return the properties with which Kestra's application context starts.

    `storage` is the folder of the internal storage, `url` is what `{{ kestra.url }}` renders, `plugins` a folder of
    plugin jars, `encryption_key` a base64 key for SECRET inputs. Without `migrate` the tables
    are there already. `line` is that of Kestra, such as `1.3`.
    """
    values: dict[str, Any] = {
        "micronaut.application.name": "kestra",
        "micronaut.server.port": -1,
        "kestra.server-type": "STANDALONE",
        "kestra.url": url,
        "kestra.repository.type": "h2",
        "kestra.queue.type": "h2",
        "kestra.storage.type": "local",
        "kestra.storage.local.base-path": str(storage),
        "kestra.encryption.secret-key": encryption_key,
        "kestra.anonymous-usage-report.enabled": False,
        "kestra.tutorial-flows.enabled": False,
        "kestra.variables.env-vars-prefix": "ENV_",
        # A single process needs no heartbeats, and nothing it holds gets old enough to be purged.
        "kestra.server.liveness.enabled": False,
        "kestra.server.liveness.heartbeat-interval": "1h",
        "kestra.server.service.purge.initial-delay": "1h",
        "kestra.server.service.purge.fixed-delay": "1d",
        "kestra.server.service.purge.retention": "30d",
        "datasources.h2.url": database.URL,
        "datasources.h2.username": database.USER,
        "datasources.h2.password": "",
        "datasources.h2.driverClassName": "org.h2.Driver",
        # As in Kestra's image.
        "endpoints.health.disk-space.enabled": False,
        "endpoints.health.discovery-client.enabled": False,
        # Nobody reads them, and their recording leaves a folder in the system's place for temporary files.
        "micronaut.metrics.binders.jvm.enabled": False,
        # As the real server writes its answers.
        "jackson.serialization.writeDatesAsTimestamps": False,
        "jackson.serialization.writeDurationsAsTimestamps": False,
        "jackson.serialization-inclusion": "NON_NULL",
        "jackson.deserialization.FAIL_ON_UNKNOWN_PROPERTIES": False,
    }
    values |= _one_three(migrate=migrate) if line == "1.3" else TWO_ZERO
    if plugins is not None:
        values["kestra.plugins.path"] = str(plugins)
    return values


def _one_three(*, migrate: bool) -> dict[str, Any]:
    """Return what Kestra 1.3 takes besides."""
    return {
        # A laptop has no Docker: scripts run as processes unless the flow names another runner.
        "kestra.plugins.defaults": [
            {"type": "io.kestra.plugin.scripts", "values": {"taskRunner": {"type": PROCESS_RUNNER}}},
        ],
        "flyway.enabled": migrate,
        "flyway.datasources.h2.enabled": migrate,
        "flyway.datasources.h2.locations": ["classpath:migrations/h2"],
        "flyway.datasources.h2.ignore-migration-patterns": "*:missing,*:future",
        "flyway.datasources.h2.out-of-order": True,
    }


def merged(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with the user's nested configuration over them; a null takes a property away."""
    return {key: value for key, value in {**values, **nested(own)}.items() if value is not None}


def nested(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the user's nested configuration as Micronaut's flat keys; lists stay lists."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= nested(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
