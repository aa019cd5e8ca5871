"""The steps of a job or of an action, read from its YAML -> what each did when it was run as GitHub's runner runs it.

`run:` steps are run by their shell, with the environment and the files of the runner (GITHUB_OUTPUT, GITHUB_ENV,
GITHUB_PATH, GITHUB_STEP_SUMMARY). Of `uses:` steps, an action of this repository is run in turn; those of others are
noted, with what they were given.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from expressions import as_text, holds, inserted

_SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
"""https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell"""

_LIMIT_S = 200.0


@dataclass(frozen=True)
class Did:
    """What became of one step. `code`: None where it was not run. `given`: what an action of others was given."""

    name: str
    code: int | None
    printed: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Machine:
    """A runner: `workspace` is where steps run, `temporary` is RUNNER_TEMP, `programs` comes first in their PATH."""

    workspace: Path
    temporary: Path
    programs: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    paths: list[str] = field(default_factory=list)

    def action(self, folder: Path, given: Mapping[str, str]) -> tuple[list[Did], dict[str, str]]:
        """What the steps of an action did, and its outputs."""
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        unknown = set(given) - set(action["inputs"])
        assert not unknown, f"the action has no inputs {unknown}"
        inputs = {name: str(given.get(name, each.get("default", ""))) for name, each in action["inputs"].items()}
        contexts: dict[str, Any] = {"inputs": inputs, "steps": {}}
        did = self.steps(action["runs"]["steps"], contexts, {"GITHUB_ACTION_PATH": str(folder)})
        outputs = {name: as_text(inserted(each["value"], contexts)) for name, each in action["outputs"].items()}
        return did, outputs

    def steps(
        self, steps: Sequence[Mapping[str, Any]], contexts: dict[str, Any], variables: Mapping[str, str]
    ) -> list[Did]:
        """What each step did; `contexts` gets their outputs."""
        contexts.setdefault("steps", {})
        did: list[Did] = []
        for step in steps:
            failed = any(each.code for each in did)
            name = str(step.get("name") or step.get("id") or step.get("uses"))
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": {}}
            if not holds(step.get("if"), contexts, failed=failed):
                did.append(Did(name, None))
            elif "run" in step:
                did.append(self._run(name, step, contexts, variables))
            else:
                given = {key: inserted(str(value), contexts) for key, value in (step.get("with") or {}).items()}
                did.append(Did(name, None, given=given))
        return did

    def _run(self, name: str, step: Mapping[str, Any], contexts: dict[str, Any], variables: Mapping[str, str]) -> Did:
        self.temporary.mkdir(exist_ok=True)
        files = {
            variable: self.temporary / variable.lower()
            for variable in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        own = {key: as_text(inserted(str(value), contexts)) for key, value in (step.get("env") or {}).items()}
        script = self.temporary / "step.sh"
        script.write_text(str(inserted(str(step["run"]), contexts)), encoding="utf-8")
        path = [*([str(self.programs)] if self.programs else []), *reversed(self.paths), os.environ["PATH"]]
        done = subprocess.run(
            [*_SHELLS[step.get("shell")], str(script)],
            cwd=self.workspace,
            env={
                **os.environ,
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "RUNNER_TEMP": str(self.temporary),
                **{variable: str(file) for variable, file in files.items()},
                **self.variables,
                **variables,
                **own,
                "PATH": ":".join(path),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
        pairs = (line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        if "id" in step:
            contexts["steps"][step["id"]]["outputs"].update({key: value for key, _, value in pairs})
        assert not files["GITHUB_ENV"].read_text(), "no step here sets variables for later ones"
        self.paths += files["GITHUB_PATH"].read_text().split()
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        return Did(name, done.returncode, done.stdout)
