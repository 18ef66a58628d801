from __future__ import annotations

import pytest

from pytest_kestra.client.client import Client
from pytest_kestra.flows.deployer import Deployer
from pytest_kestra.flows.namespaces import Namespaces
from pytest_kestra.run.session import Session


@pytest.fixture
def session(client: Client) -> Session:
    return Session(client, Deployer(client, Namespaces("t")), 5, secrets=["s3cret-word", "48151623", "2.5"])


def test_values_are_cleaned_of_secrets_of_whatever_type(session: Session) -> None:
    value = {
        "s3cret-word": ["a s3cret-word", {"type": "io.kestra.datatype:aes_encrypted", "value": "x"}],
        "numbers": [48151623, 2.5, 481516230, 2, 2.50001, True, None],
    }

    assert session.clean(value) == {
        "*****": ["a *****", "*****"],
        "numbers": ["*****", "*****", 481516230, 2, 2.50001, True, None],
    }
