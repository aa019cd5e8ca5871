"""An answer came: a live pod's is the application's, a stopping one's the rollout's, the path's is the path's."""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Moment, Named, Row, Way
from harness.analysis.causes.table.words import EITHER
from harness.model.request import Outcome
from harness.model.result import Cause


class Answer(StrEnum):
    """The rules of answers that were not what was wanted, and of what nothing explains."""

    TOO_FEW_LEFT = "too-few-left"
    GIVEN_UP = "given-up"
    TURNED_AWAY = "turned-away"
    STATUS = "status"
    PATH_WITHOUT_ENDPOINT = "path-without-endpoint"
    PATH_CUT = "path-cut"
    PATH_TO_ENDING = "path-to-ending"
    PATH_TO_STARTING = "path-to-starting"
    PATH_TO_EITHER = "path-to-either"
    HANDSHAKE = "handshake"
    GARBLED = "garbled"
    NOTHING = "nothing"


_STATUS = (Outcome.STATUS,)
_ANSWERED_BADLY = (Outcome.STATUS, Outcome.PROTOCOL_ERROR, Outcome.TLS_ERROR)
_BY_PATH = (
    "answered with status {status} by what stands before the pods (observed): it still listed one that was ending, or "
    "did not know a new one yet (inferred)"
)

ANSWERS = (
    Row(
        rule=Answer.TOO_FEW_LEFT,
        outcomes=_ANSWERED_BADLY,
        moment=Moment.ENDED,
        holds=(Flag.TURNED_AWAY, Flag.TOO_FEW_LEFT),
        excludes=(Flag.FROM_THE_PATH, Flag.OFF_STOPPING_LISTS),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.APPLICATION),
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="answered with {answer} (observed) while fewer pods were in service than before: by a pod that "
        "was stopping, or by one of those left, which answered so then too, with no stopping pod sent to any more "
        "(inferred): maxUnavailable: 0 (with maxSurge) keeps as many in service",
    ),
    Row(
        rule=Answer.GIVEN_UP,
        outcomes=_ANSWERED_BADLY,
        moment=Moment.ENDED,
        holds=(Flag.TURNED_AWAY, Flag.IN_HAND),
        excludes=(Flag.FROM_THE_PATH, Flag.OFF_STOPPING_LISTS),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN, Way.LOOSE_STOPPING),
        evidence="accepted, and given up with {answer}, {ago} began to terminate (observed); pods in service "
        "answer so more rarely, or never (observed): it stopped with the request in hand (inferred)",
    ),
    Row(
        rule=Answer.TURNED_AWAY,
        outcomes=_ANSWERED_BADLY,
        moment=Moment.ENDED,
        holds=(Flag.TURNED_AWAY,),
        excludes=(Flag.FROM_THE_PATH, Flag.OFF_STOPPING_LISTS),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN, Way.LOOSE_STOPPING),
        evidence="turned away with {answer}, {ago} began to terminate (observed); pods in service answer so "
        "more rarely, or never (observed)",
    ),
    Row(
        rule=Answer.STATUS,
        outcomes=_STATUS,
        excludes=(Flag.FROM_THE_PATH,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="answered with status {status} (observed) by {pods}",
    ),
    Row(
        rule=Answer.PATH_WITHOUT_ENDPOINT,
        outcomes=_STATUS,
        holds=(Flag.MAYBE_NO_ENDPOINT,),
        excludes=(Way.LOOSE_VANISHED,),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=_BY_PATH,
    ),
    Row(
        rule=Answer.PATH_CUT,
        outcomes=_STATUS,
        moment=Moment.ENDED,
        holds=(Flag.HELD_BEHIND,),
        any_of=(Way.STOPPING, Way.LOOSE_STOPPING),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OFF_STOPPING_LISTS),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.IN_FLIGHT_KILL),
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Way.STOPPING, Way.LOOSE_STOPPING),
        evidence="answered with status {status} by what stands before the pods, {ago} began to terminate, and after as "
        "long as work takes (observed): that ended a connection to which it had been sent, be it accepted or still in "
        "the queue: which cannot be told",
    ),
    Row(
        rule=Answer.PATH_TO_EITHER,
        outcomes=_STATUS,
        holds=(Way.LOOSE_VANISHED, Way.STARTING),
        excludes=(Flag.MAYBE_NO_ENDPOINT,),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.CREATION_RACE),
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT, Charge.PODS_THAT_CAME),
        evidence=EITHER,
    ),
    Row(
        rule=Answer.PATH_TO_ENDING,
        outcomes=_STATUS,
        holds=(Way.LOOSE_VANISHED,),
        excludes=(Flag.MAYBE_NO_ENDPOINT,),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.LOOSE_VANISHED,),
        evidence=_BY_PATH,
    ),
    Row(
        rule=Answer.PATH_TO_STARTING,
        outcomes=_STATUS,
        holds=(Way.STARTING,),
        excludes=(Flag.MAYBE_NO_ENDPOINT,),
        cause=Cause.CREATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CAME,),
        names=(Way.STARTING,),
        evidence=_BY_PATH,
    ),
    # One that was cut short is not here: it is judged as the same without TLS is.
    Row(
        rule=Answer.HANDSHAKE,
        outcomes=(Outcome.TLS_ERROR,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="client and server did not come to terms on TLS (observed): {trouble}",
    ),
    Row(
        rule=Answer.GARBLED,
        outcomes=(Outcome.PROTOCOL_ERROR,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="the answer was no answer of the protocol (observed)",
    ),
    Row(
        rule=Answer.NOTHING,
        outcomes=tuple(outcome for outcome in Outcome if outcome.failed),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="nothing that the watch showed explains it (observed: {outcome})",
    ),
)
