"""Kestra's configuration for an engine that lives in one process and forgets everything when it ends.

The keys are Kestra's and Micronaut's own; see https://kestra.io/docs/configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_kestra.engine import database

PROCESS_RUNNER = "io.kestra.plugin.core.runner.Process"


def properties(*, storage: Path, url: str, plugins: Path | None, encryption_key: str, migrate: bool) -> dict[str, Any]:
    """Return the properties with which Kestra's application context starts.

    `storage` is the folder of the internal storage, `url` is what `{{ kestra.url }}` renders, `plugins` a folder of
    plugin jars, `encryption_key` a base64 key for SECRET inputs. Without `migrate` the tables
    are there already.
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
        # A laptop has no Docker: scripts run as processes unless the flow names another runner.
        "kestra.plugins.defaults": [
            {"type": "io.kestra.plugin.scripts", "values": {"taskRunner": {"type": PROCESS_RUNNER}}},
        ],
        # A single process needs no heartbeats, and nothing it holds gets old enough to be purged.
        "kestra.server.liveness.enabled": False,
        "kestra.server.service.purge.initial-delay": "1h",
        "kestra.server.service.purge.fixed-delay": "1d",
        "kestra.server.service.purge.retention": "30d",
        "datasources.h2.url": database.URL,
        "datasources.h2.username": database.USER,
        "datasources.h2.password": "",
        "datasources.h2.driverClassName": "org.h2.Driver",
        "flyway.enabled": migrate,
        "flyway.datasources.h2.enabled": migrate,
        "flyway.datasources.h2.locations": ["classpath:migrations/h2"],
        "flyway.datasources.h2.ignore-migration-patterns": "*:missing,*:future",
        "flyway.datasources.h2.out-of-order": True,
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
    if plugins is not None:
        values["kestra.plugins.path"] = str(plugins)
    return values


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
