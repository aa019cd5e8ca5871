"""What tests do to a sandbox, and what they learn of it that no user could: faults of its API, and its kernel's truth.

Nobody judges by anything in here: a verdict is made of what a client and a watch can see, and this room is there to
find out how often it is right. Nothing of the sandbox proper imports it but the two entries that switch it on,
`controlplane` (faults) and `node` (truth); the supervisor starts the recorder by its name. Outside, only tests and
`scripts/` may import it.
"""
