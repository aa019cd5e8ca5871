"""What one rule of the table of causes is: the words in which a rule is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.model.request import Outcome
from harness.model.result import Cause

CAUSE_WORDS = {
    Cause.TERMINATION_RACE: "it was sent to a pod that had stopped listening, was gone, or turned it away because it "
    "was stopping",
    Cause.CREATION_RACE: "it was sent to a pod that was not listening yet, or never on that port, or turned away by a "
    "balancer that did not know the new pod yet",
    Cause.IN_FLIGHT_KILL: "a pod had accepted it, and stopped before its answer was complete",
    Cause.IDLE_CLOSE: "it was sent on a kept-alive connection just as the server closed it as idle",
    Cause.BACKEND_CLOSE: "a proxy in front of the pods sent it on a kept-alive connection of its own, just as a pod "
    "closed that as idle",
    Cause.NO_ENDPOINTS: "the data plane had no pod to send it to",
    Cause.APPLICATION: "a pod in service answered with an error, too late or not at all, or it was lost on the way, "
    "as happens without a rollout too",
    Cause.STALE_CONNTRACK: "an old conntrack entry on the client host sent it to a pod that was long gone",
    Cause.REROUTED: "the deploy command had changed the Service, which led to no pod that answers there yet",
    Cause.FOREIGN_CHANGE: "somebody else had changed the Service or its endpoints, which may have misdirected it",
    Cause.LOAD_GENERATOR: "the load worker that sent it was stalled",
    Cause.UNKNOWN: "no cause could be shown for it, or several causes could not be told apart",
}


class Way(StrEnum):
    """A way to fail that was physically possible of a pod in some intervals (`time_windows`).

    The `loose` ones trust neither kept connections nor a punctual watch or proxy; they are asked only where nothing
    else explains a failure.
    """

    REFUSING = "refusing"
    VANISHED = "vanished"
    CRASHED_GONE = "crashed-gone"
    STOPPING = "stopping"
    STARTING = "starting"
    NEVER_LISTENED = "never-listened"
    UNREGISTERED = "unregistered"
    CRASHED = "crashed"
    SENT_TO = "sent-to"
    LISTED = "listed"
    ENDS = "ends"
    UNACCEPTING = "unaccepting"
    DRAINING = "draining"
    LATE_VANISHED = "late-vanished"
    LOOSE_REFUSING = "loose-refusing"
    LOOSE_VANISHED = "loose-vanished"
    LOOSE_STOPPING = "loose-stopping"


WAY_WORDS = {
    Way.REFUSING: "a pod in deletion may still have been sent to, its kernel was there, its listener may have closed",
    Way.CRASHED_GONE: "a pod whose container had crashed was being deleted, and may still have been sent to",
    Way.VANISHED: "a pod in deletion may still have been sent to, and its network may have been gone",
    Way.STOPPING: "a pod may have been cutting or resetting what it had accepted, because it was told to stop",
    Way.STARTING: "a pod was listed and may not have been listening yet",
    Way.NEVER_LISTENED: "a pod was listed, and accepted no connection on the Service's target port for as long as it "
    "was, although as many came as would have met it",
    Way.UNREGISTERED: "a pod was listed, and a balancer that passes packets on may have known neither it nor another",
    Way.CRASHED: "a container of a pod was down though nobody had asked for it",
    Way.SENT_TO: "a pod that was deleted may have been sent to: answers show that it no longer was, while it lived on",
    Way.LISTED: "a pod that was deleted may have been sent to, as far as the data plane keeps its period",
    Way.ENDS: "the containers of a pod ended",
    Way.UNACCEPTING: "a pod in deletion may still have been sent to and have accepted no more, its kernel was there",
    Way.DRAINING: "a pod in deletion had left a balancer's list, which may have ended what was still open to it",
    Way.LATE_VANISHED: "as vanished, should the proxy have exceeded its period, until connections show that it no "
    "longer listed it",
    Way.LOOSE_REFUSING: "as refusing, should the watch or the proxy have been late",
    Way.LOOSE_VANISHED: "as vanished, should the watch or the proxy have been late",
    Way.LOOSE_STOPPING: "as stopping, should the watch have been late",
}


class Flag(StrEnum):
    """Something that is true or false of a failed request by itself (`failures`)."""

    REUSED = "reused"
    INSTANT = "instant"
    UNDER_WAY = "end-under-way"
    UNACKNOWLEDGED = "unacknowledged"
    MAYBE_IDLE = "maybe-idle"
    LATE_IDLE = "late-idle"
    MET_CLOSINGS = "met-closings"
    RESET_AS_EVER = "reset-as-ever"
    REFUSED_AS_EVER = "refused-as-ever"
    POD_KNOWN = "pod-known"
    POD_KILLED = "pod-killed"
    FROM_THE_PATH = "from-the-path"
    BEHIND_HOP = "behind-hop"
    NO_TARGET = "no-target"
    BAD_TARGET = "bad-target"
    CLOSED_BEHIND = "closed-behind"
    KEPT_BEHIND = "kept-behind"
    CLOSED_AS_EVER = "closed-as-ever"
    CLOSED_BY_TIME = "closed-by-time"
    CUT_ON_THE_WAY = "cut-on-the-way"
    HELD_BEHIND = "held-behind"
    OFF_ALL_LISTS = "off-all-lists"
    OFF_STOPPING_LISTS = "off-stopping-lists"
    NO_ENDPOINT = "no-endpoint"
    MAYBE_NO_ENDPOINT = "maybe-no-endpoint"
    NODE_WITHOUT_POD = "node-without-pod"
    BARE_AS_EVER = "bare-as-ever"
    STALE = "stale"
    STALLED = "stalled"
    OVERSLEPT = "overslept"
    CHAIN = "chain"
    CHANCE = "chance"
    AT_STOPS = "at-stops"
    HUNG = "hung"
    MAYBE_READ = "maybe-read"
    EVERYWHERE = "everywhere"
    BACKGROUND = "background"
    WHILE_HANGING = "while-hanging"
    SLOW_BESIDE = "slow-beside"
    SLOW_BEFORE = "slow-before"
    TURNED_AWAY = "turned-away"
    IN_HAND = "in-hand"
    TOO_FEW_LEFT = "too-few-left"
    REROUTED = "rerouted"
    REROUTED_BY_DEPLOY = "rerouted-by-deploy"


FLAG_WORDS = {
    Flag.REUSED: "it went out on a kept connection",
    Flag.INSTANT: "it was lost the moment it was sent",
    Flag.UNDER_WAY: "its end came within a round trip, no later than the client's loop and the network are at times: "
    "it was under way before the request arrived",
    Flag.UNACKNOWLEDGED: "the peer's kernel had acknowledged nothing of it",
    Flag.MAYBE_IDLE: "it was lost later than a round trip and than answers take, and its acknowledgement is not known",
    Flag.LATE_IDLE: "it was reset later than a round trip, and no more were at that time than met an end under way",
    Flag.MET_CLOSINGS: "as pods stopped, more kept connections ended the moment a request was sent than by chance",
    Flag.RESET_AS_EVER: "kept connections were reset as pods stopped no more often than at other times",
    Flag.REFUSED_AS_EVER: "connections were refused as pods stopped no more often than at other times",
    Flag.POD_KNOWN: "the pod at the other end is known",
    Flag.POD_KILLED: "the one pod that can have ended it had to be killed, and had been",
    Flag.FROM_THE_PATH: "what stands before the pods answered 502, 503 or 504",
    Flag.BEHIND_HOP: "a hop of which it is known what its answers mean had ended its connection",
    Flag.NO_TARGET: "that hop answered 503: it had no target",
    Flag.BAD_TARGET: "that hop answered 502 or 504: its target did not answer",
    Flag.CLOSED_BEHIND: "that hop answered 502: its target refused, or closed the connection",
    Flag.KEPT_BEHIND: "a pod in service had answered that hop before, so that it may have kept a connection to it",
    Flag.CLOSED_AS_EVER: "that hop answered 502, as pods stopped no more often than at other times",
    Flag.CLOSED_BY_TIME: "that hop answered 502, of more requests as pods stopped, and no more often in as much time",
    Flag.CUT_ON_THE_WAY: "what stands before the pods, with connections of its own to them, ended it after a while, "
    "and more so as pods stopped than at other times",
    Flag.HELD_BEHIND: "what stands before the pods answered 502, 503 or 504, later than where a pod refuses, and "
    "sooner than where none answers",
    Flag.OFF_ALL_LISTS: "when it was sent, no pod that was deleted before it ended was still sent to, as answers show",
    Flag.OFF_STOPPING_LISTS: "when it was sent, no pod that stopped before it ended was still sent to, as answers "
    "show, or a data plane that keeps its period",
    Flag.NO_ENDPOINT: "the data plane surely had no endpoint",
    Flag.MAYBE_NO_ENDPOINT: "the data plane may have had no endpoint",
    Flag.NODE_WITHOUT_POD: "a node that sends only to pods of its own may have had none",
    Flag.BARE_AS_EVER: "no more nodes were without a pod than before the first rollout",
    Flag.STALE: "the same source port went unanswered less than 120 s before",
    Flag.STALLED: "the worker stood still while it was under way",
    Flag.OVERSLEPT: "the worker stood still, and the time-out fired late",
    Flag.CHAIN: "with those around it, it makes up one pod's share of the requests, beyond what chance loses",
    Flag.EVERYWHERE: "with those around it, it is more than the share of the pods that were stopping",
    Flag.CHANCE: "so few, or such a burst, losses on the way explain as well",
    Flag.AT_STOPS: "so many were lost as pods stopped, and so few otherwise, that only bursts explain it as well",
    Flag.MAYBE_READ: "its end came in good order, and acknowledged the whole request, as others' hardly did",
    Flag.HUNG: "on kept connections, pods that were stopping left so many unanswered, and others hardly any",
    Flag.BACKGROUND: "as many were lost while nothing was done",
    Flag.WHILE_HANGING: "live pods took seconds over what they had accepted",
    Flag.SLOW_BESIDE: "its pod is not known, and answers to others of its stream took nearly as long as it had",
    Flag.SLOW_BEFORE: "as many answers were too slow all through the control window",
    Flag.REROUTED: "somebody else had changed the Service or its endpoints when it was sent",
    Flag.REROUTED_BY_DEPLOY: "the deploy command, or somebody else while it ran, had changed where the Service "
    "leads, and pods of before were still listed, or none was",
    Flag.TURNED_AWAY: "a pod that was stopping answered with an error, as pods in service do not",
    Flag.IN_HAND: "it was sent before any pod that was stopping as its answer came can have been told to",
    Flag.TOO_FEW_LEFT: "fewer pods were in service than before, and those that were gave such errors then too",
}


class Moment(StrEnum):
    """The moment of a request at which a rule asks what was possible.

    When it ended or while it was under way, a pod that is known to be at the other end is the only one that is asked.
    It was under way until it ended; what was never answered, no longer than the slowest answers of its stream take.
    """

    SENT = "sent"
    ENDED = "ended"
    UNDER_WAY = "under-way"


MOMENT_WORDS = {
    Moment.SENT: "as it was sent",
    Moment.ENDED: "as it ended",
    Moment.UNDER_WAY: "while it was under way",
}


class Fault(StrEnum):
    """Whose fault a failure is."""

    ROLLOUT = "the rollout's"
    CLIENT = "nobody's: a client that resends has no loss; with strict_idle_close the rollout's"
    APPLICATION = "the application's"
    CLIENT_HOST = "the client host's"
    OTHERS = "somebody else's"
    HARNESS = "the harness's"
    UNTOLD = "cannot be told"


class Charge(StrEnum):
    """What must not have been somebody else's doing for a rollout to have to answer for a failure."""

    PODS_THAT_WENT = "the end of every pod that it may have been sent to"
    PODS_THAT_CUT = "the end of every pod that may have cut it or turned it away"
    PODS_THAT_CAME = "the start of every pod that may not have been listening"
    ENDPOINTS = "the absence of endpoints"
    SERVICE = "a change of the Service, which came while the deploy command ran"


class Named(StrEnum):
    """Which pod a rule names that asks for no way to fail."""

    OWN = "own"  # the one at the other end, where the answer or the connection tells it, before any way


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule: a failure with one of `outcomes` that no rule above has named is `cause`, where the conditions hold.

    All of `holds` and, if there are any, one of `any_of` must be true at its `moment`, and none of `excludes`.
    `between`: causes of which it is one, where `cause` is `unknown`, and which cannot be told apart. `charged`: what
    a rollout answers for by it. `unexplained`: more of such failures than the control window has are the rollout's.
    `names`: whose pod stands in the result, where it is only one's; of several ways the first that holds. `evidence`:
    a sentence with `{ago}`, `{pods}`, `{plane}`, `{late}`, `{port}`, `{target}`, `{status}`,
    `{outcome}` and `{trouble}` in it.
    """

    rule: StrEnum
    outcomes: tuple[Outcome, ...]
    moment: Moment = Moment.SENT
    holds: tuple[Way | Flag, ...] = ()
    any_of: tuple[Way | Flag, ...] = ()
    excludes: tuple[Way | Flag, ...] = ()
    cause: Cause
    between: tuple[Cause, ...] = ()
    fault: Fault
    charged: tuple[Charge, ...] = ()
    unexplained: bool = False
    names: tuple[Way | Named, ...] = ()
    evidence: str

    def __post_init__(self) -> None:
        if bool(self.charged) != (self.fault == Fault.ROLLOUT):
            raise ValueError(f"rule {self.rule}: what is the rollout's fault is charged to it, and nothing else is")

    @property
    def label(self) -> str:
        """The cause in words, or those of which it is one."""
        return " or ".join(self.between) or str(self.cause)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways by which pods are named."""
        return tuple(way for way in self.names if isinstance(way, Way))


def others(group: Iterable[Way | Flag], *chosen: Way | Flag) -> tuple[Way | Flag, ...]:
    """A group of rival explanations without the chosen ones: what a rule must exclude to be the only one left."""
    return tuple(one for one in group if one not in chosen)
