"""One function decides what an exception means, and nothing is left unmapped."""

from __future__ import annotations

import errno
import inspect
import itertools
import os
import socket
import ssl

import anyio
import httpcore
import httpx
import pytest

from harness.load.outcomes import ERRNO, MEANING, Ending, Phase, ProtocolError, classify, ending
from harness.model.request import Outcome


def test_every_ending_has_a_meaning_in_every_phase() -> None:
    assert {(phase, end) for phase, row in MEANING.items() for end in row} == {
        (phase, end) for phase in Phase for end in Ending
    }


def test_every_outcome_but_those_of_a_complete_answer_can_come_out() -> None:
    reachable = {outcome for row in MEANING.values() for outcome in row.values()}
    assert reachable == set(Outcome) - {Outcome.OK, Outcome.STATUS}


def test_no_failure_is_ever_called_a_success() -> None:
    assert not {Outcome.OK, Outcome.STATUS} & {outcome for row in MEANING.values() for outcome in row.values()}


@pytest.mark.parametrize("number", sorted(errno.errorcode))
@pytest.mark.parametrize("phase", Phase)
def test_every_error_number_of_the_system_is_classified(number: int, phase: Phase) -> None:
    assert isinstance(classify(phase, OSError(number, os.strerror(number))), Outcome)


CASES = [
    (Phase.CONNECT, ConnectionRefusedError(errno.ECONNREFUSED, ""), Outcome.CONNECT_REFUSED),
    (Phase.CONNECT, TimeoutError(), Outcome.CONNECT_TIMEOUT),
    (Phase.CONNECT, OSError(errno.ETIMEDOUT, ""), Outcome.CONNECT_TIMEOUT),
    (Phase.CONNECT, OSError(errno.EHOSTUNREACH, ""), Outcome.UNREACHABLE),
    (Phase.CONNECT, OSError(errno.ENETUNREACH, ""), Outcome.UNREACHABLE),
    (Phase.CONNECT, OSError(errno.EMFILE, ""), Outcome.UNSENT),
    (Phase.CONNECT, OSError(errno.EADDRNOTAVAIL, ""), Outcome.UNSENT),
    (Phase.RESOLVE, socket.gaierror(socket.EAI_AGAIN, ""), Outcome.DNS_ERROR),
    (Phase.RESOLVE, TimeoutError(), Outcome.DNS_ERROR),
    (Phase.HANDSHAKE, ssl.SSLCertVerificationError(1, ""), Outcome.TLS_ERROR),
    (Phase.HANDSHAKE, ConnectionResetError(errno.ECONNRESET, ""), Outcome.TLS_ERROR),
    (Phase.HANDSHAKE, EOFError(), Outcome.TLS_ERROR),
    (Phase.HANDSHAKE, TimeoutError(), Outcome.TLS_ERROR),
    (Phase.AWAIT, ConnectionResetError(errno.ECONNRESET, ""), Outcome.RESET_BEFORE_RESPONSE),
    (Phase.AWAIT, BrokenPipeError(errno.EPIPE, ""), Outcome.RESET_BEFORE_RESPONSE),
    (Phase.AWAIT, ConnectionResetError(), Outcome.RESET_BEFORE_RESPONSE),
    (Phase.AWAIT, EOFError(), Outcome.EOF_BEFORE_RESPONSE),
    (Phase.AWAIT, ssl.SSLEOFError(8, ""), Outcome.EOF_BEFORE_RESPONSE),
    (Phase.AWAIT, ssl.SSLError(1, ""), Outcome.PROTOCOL_ERROR),
    (Phase.AWAIT, ProtocolError(), Outcome.PROTOCOL_ERROR),
    (Phase.AWAIT, TimeoutError(), Outcome.READ_TIMEOUT),
    (Phase.ANSWER, ConnectionResetError(errno.ECONNRESET, ""), Outcome.RESET_MID_RESPONSE),
    (Phase.ANSWER, EOFError(), Outcome.EOF_MID_RESPONSE),
    (Phase.ANSWER, TimeoutError(), Outcome.READ_TIMEOUT),
    (Phase.ANSWER, OSError(errno.EHOSTUNREACH, ""), Outcome.UNREACHABLE),
]


@pytest.mark.parametrize(("phase", "error", "outcome"), CASES)
def test_what_an_error_means_depends_on_the_phase(phase: Phase, error: BaseException, outcome: Outcome) -> None:
    assert classify(phase, error) == outcome


def chained(*errors: BaseException) -> BaseException:
    """Each the cause of the one before it."""
    for outer, inner in itertools.pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


NETWORK_ERRORS = [
    kind
    for _, kind in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(kind, httpx.NetworkError) and kind is not httpx.NetworkError
]


@pytest.mark.parametrize("kind", NETWORK_ERRORS)
def test_the_errno_is_found_three_causes_down(kind: type[httpx.NetworkError]) -> None:
    reset = ConnectionResetError(errno.ECONNRESET, "")
    error = chained(kind(""), httpcore.ReadError(), anyio.BrokenResourceError(), reset)
    assert ending(error) is Ending.RESET


def test_a_cause_that_httpcore_cut_off_still_counts() -> None:
    def raised() -> BaseException:
        try:
            try:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "")
            except OSError as error:
                kept = httpcore.ConnectError()
                raise kept from error
        except httpcore.ConnectError as error:
            try:
                raise error from None
            except httpcore.ConnectError as cut:
                return cut

    assert raised().__cause__ is None
    assert ending(raised()) is Ending.REFUSED


def test_a_time_out_is_one_whatever_it_interrupted() -> None:
    assert ending(chained(TimeoutError(), ssl.SSLWantReadError(2, ""))) is Ending.TIMEOUT


def test_an_error_of_our_own_is_not_counted_against_anybody() -> None:
    with pytest.raises(ZeroDivisionError):
        classify(Phase.AWAIT, ZeroDivisionError())


def test_the_usual_error_numbers_are_in_the_table_and_not_left_to_the_default() -> None:
    usual = "ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ECONNABORTED EMFILE EADDRNOTAVAIL"
    assert {getattr(errno, name) for name in usual.split()} <= set(ERRNO)
