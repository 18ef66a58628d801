"""How YAML writes what executions give, as tests do that compare it with a file of an earlier run."""

from __future__ import annotations

from yaml.representer import SafeRepresenter

from pytest_kestra.names import Named
from pytest_kestra.run.path import Path
from pytest_kestra.states import State


def teach() -> None:
    """Let PyYAML's safe dumpers write our kinds of texts, lists and dictionaries as those that they are."""
    # They look for a value's own class only.
    SafeRepresenter.add_representer(State, SafeRepresenter.represent_str)
    SafeRepresenter.add_representer(Path, SafeRepresenter.represent_list)
    SafeRepresenter.add_representer(Named, SafeRepresenter.represent_dict)
