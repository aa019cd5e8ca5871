"""Sentences of evidence that rules of several kinds of failure share."""

ASLEEP = "the worker stood still while the request was under way (observed)"

CRASHED = "failed while a container of {pods} was down though nobody had asked for it (observed)"

EITHER = (
    "{outcome} (observed) by a pod that stopped, or by one that was not listening or not known yet: which cannot be "
    "told"
)

SEVERAL = "more than one cause was possible then: which one cannot be told (observed: {outcome})"
