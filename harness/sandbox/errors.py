"""What goes wrong in the sandbox -> exceptions for people: what was tried, what was seen, what to do.

SandboxFailed
├── MachineUnfit     this machine lacks a program or a right that the sandbox needs; nothing was started
├── StartFailed      a component did not come up
├── ComponentDied    a component ended while the sandbox was running; everything else has ended with it
├── NotKept          there is no kept sandbox of that name, or there is one already
└── NotEnded         something of a sandbox was killed and did not end
"""


class SandboxFailed(Exception):
    """What was tried, what was seen, what to do; `str()` gives one line for people: "TRIED: SEEN. DO."."""

    def __init__(self, tried: str, seen: str = "", do: str = "") -> None:
        self.tried, self.seen, self.do = tried, seen, do
        super().__init__(tried, seen, do)

    def __str__(self) -> str:
        line = f"{self.tried}: {self.seen}" if self.seen else self.tried
        if not self.do:
            return line
        return f"{line}{'' if line.endswith(('.', '?', '!')) else '.'} {self.do}"


class MachineUnfit(SandboxFailed):
    """This machine lacks a program or a right that the sandbox needs; nothing was started."""


class StartFailed(SandboxFailed):
    """A component of the sandbox did not come up."""


class ComponentDied(SandboxFailed):
    """A component ended while the sandbox was running; everything else has ended with it."""


class NotKept(SandboxFailed):
    """There is no kept sandbox of that name, or there is one already."""


class NotEnded(SandboxFailed):
    """Something of a sandbox was killed and did not end."""
