"""The pytest plugin: nothing but the names that pytest looks for."""

from __future__ import annotations

from pytest_kestra.fixtures import (
    _kestra_requires,
    kestra,
    kestra_client,
    kestra_environment,
    kestra_equipment,
    kestra_image,
    kestra_plugins,
    kestra_secrets,
    kestra_server,
    kestra_server_config,
    kestra_settings,
    kestra_version,
    kestra_volumes,
)
from pytest_kestra.hooks import (
    pytest_addoption,
    pytest_collect_file,
    pytest_configure,
    pytest_configure_node,
    pytest_generate_tests,
    pytest_report_header,
    pytest_runtest_call,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_testnodedown,
    pytest_unconfigure,
)
from pytest_kestra.reporting import pytest_assertrepr_compare, pytest_runtest_makereport

__all__ = [
    "_kestra_requires",
    "kestra",
    "kestra_client",
    "kestra_environment",
    "kestra_equipment",
    "kestra_image",
    "kestra_plugins",
    "kestra_secrets",
    "kestra_server",
    "kestra_server_config",
    "kestra_settings",
    "kestra_version",
    "kestra_volumes",
    "pytest_addoption",
    "pytest_assertrepr_compare",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_generate_tests",
    "pytest_report_header",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "pytest_testnodedown",
    "pytest_unconfigure",
]
