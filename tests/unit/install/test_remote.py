from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from pytest_kestra.engine.errors import InstallError
from pytest_kestra.engine.remote import RETRIES, AbsentError, Remote, TransientError
from pytest_kestra.engine.repository import Repository

if TYPE_CHECKING:
    from tests.unit.install.conftest import Maven

PATH = "org/example/core.jar.sha256"


def test_a_small_file_is_read_as_text(maven: Maven, remote: Remote) -> None:
    maven.put(PATH, "größer".encode())

    assert remote.text(PATH) == "größer"


def test_text_that_is_none_is_read_as_far_as_it_goes(maven: Maven, remote: Remote) -> None:
    maven.put(PATH, b"\xff")

    assert remote.text(PATH) == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("status", [404, 410])
def test_a_small_file_can_be_absent(maven: Maven, remote: Remote, status: int) -> None:
    maven.fail(PATH, status)

    assert remote.text(PATH) is None
    assert len(maven.requests) == 1


def test_a_small_file_is_asked_for_again(maven: Maven, remote: Remote) -> None:
    maven.put(PATH, b"abc")
    maven.fail(PATH, 500)
    maven.fail(PATH, 429)
    maven.cut(PATH, after=1)

    assert remote.text(PATH) == "abc"
    assert len(maven.requests) == RETRIES + 1


def test_a_small_file_is_given_up(maven: Maven, remote: Remote) -> None:
    maven.fail(PATH, 503, times=100)

    with pytest.raises(InstallError, match="it answered 503 Service Unavailable"):
        remote.text(PATH)

    assert len(maven.requests) == RETRIES + 1


def test_a_redirection_is_followed(maven: Maven, remote: Remote) -> None:
    maven.put("other", b"abc")
    maven.redirect(PATH, "/other")

    assert remote.text(PATH) == "abc"


def test_redirections_without_end_are_told(maven: Maven, remote: Remote) -> None:
    maven.redirect(PATH, f"/{PATH}", times=100)

    with pytest.raises(InstallError):
        remote.text(PATH)


@pytest.mark.parametrize("status", [401, 403, 407])
def test_whoever_is_refused_is_told_where_a_password_goes(maven: Maven, remote: Remote, status: int) -> None:
    maven.fail(PATH, status)

    with pytest.raises(InstallError) as caught:
        remote.text(PATH)

    assert str(caught.value) == (
        f"{maven.address} refuses access to {PATH} ({status}). If it wants a user and a password, put them into the "
        "address: PYTEST_KESTRA_REPOSITORY=https://user:password@host/path."
    )


def test_a_password_is_sent_and_not_told(maven: Maven) -> None:
    maven.fail(PATH, 403)
    address = maven.address.replace("://", "://ann:s%3Acret@")

    with (
        Remote.opened(Repository(address), "or do without") as remote,
        pytest.raises(InstallError, match="refuses access") as caught,
    ):
        remote.text(PATH)

    assert maven.requests[0].authorization == f"Basic {base64.b64encode(b'ann:s:cret').decode()}"
    assert "cret" not in str(caught.value)


def test_without_a_password_none_is_sent(maven: Maven, remote: Remote) -> None:
    remote.text(PATH)

    assert maven.requests[0].authorization is None


def test_what_a_repository_does_not_have_is_named(maven: Maven, remote: Remote) -> None:
    with (
        pytest.raises(AbsentError, match=rf"does not have {PATH} \(404\)\. Set .* that has it, or do without\.$"),
        remote.stream(PATH, 0),
    ):
        pass


def test_an_unexpected_answer_is_told(maven: Maven, remote: Remote) -> None:
    maven.fail(PATH, 418)

    with pytest.raises(InstallError, match=r"gave an unexpected answer for .*: 418"), remote.stream(PATH, 0):
        pass


def test_only_a_later_start_asks_for_a_range(maven: Maven, remote: Remote) -> None:
    maven.put(PATH, b"abc")

    for start, content in ((0, b"abc"), (2, b"c")):
        with remote.stream(PATH, start) as answer:
            assert answer.read() == content

    assert maven.asked(PATH) == [None, "bytes=2-"]


def test_a_refused_connection_is_told_with_a_remedy(nowhere: Repository) -> None:
    with Remote.opened(nowhere, "or do without") as remote, pytest.raises(InstallError) as caught:
        remote.text(PATH)

    assert str(caught.value).startswith(f"{PATH} could not be downloaded from {nowhere}: ")
    assert str(caught.value).endswith("Set PYTEST_KESTRA_REPOSITORY to a mirror that can be reached, or do without.")


def test_a_certificate_that_is_not_trusted_is_told_with_a_remedy(remote: Remote) -> None:
    error = remote.unreachable(PATH, TransientError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))

    assert "self-signed (SSL_CERT_FILE names the certificates that are trusted). " in str(error)
