"""Rows of the table and their cases -> pages."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from harness.spec.hazard import Row
from harness.spec.hazards import HAZARDS
from scripts.rules.cases import CASES, App, Case

HEAD = """# Rules

What `rollout-harness check` finds, made by `python -m scripts.rules` from the table of hazards
(`harness/spec/table/`), from which advice, dry runs and errors take their words too. An *error* loses calls, or
fails the rollout, as soon as there is one; a *warning* does under circumstances that a manifest does not tell; a *note*
is worth knowing. Every rule has a page with a manifest that fails and one that passes. Every error is proved on the
sandbox by a rollout that drops calls with the one and by one that drops none with the other (`make rules`), or says
from which documentation it is.

| rule | severity | what is wrong | loses calls by | known from |
|---|---|---|---|---|
"""

FOOT = """
## How it is told
`check` takes files, folders, `-` (a pipe from `helm template` or `kustomize build`), or `--context NAME`, whose
workloads it only reads, with its version and kube-proxy's period. What a manifest does not say is told by options:
`--ci-timeout 5m` (what the pipeline gives a rollout), `--stop-time 20s` (how long the application takes to end after
its stop signal; by default what [servers.md](servers.md) measured of the server that the image is named after),
`--kubernetes 1.29`, `--proxy-period 10s`. `--format` is `text`, `json`, `sarif` (2.1.0, for code scanning) or `github`
(annotations).

A Service belongs to the workload whose pods it selects: of the same file, else of the same folder, else of all that is
checked. `rollout-harness mitigate --for internal|external|unknown` mends what a change of the manifest mends.

To ignore a rule, say why: `# rollout-harness: ignore RULE REASON`, anywhere in the object, or before the first object
of a document for all in it. Without a reason it is an error (`bad-ignore`), and ignores nothing.

Two warnings are about the text alone: `unknown-field`, a field that Kubernetes does not know, and `repeated-key`, a key
that stands twice in one mapping.

A HorizontalPodAutoscaler belongs to the workload that it names, a PodDisruptionBudget to those whose pods it selects,
of the same file, else of the same folder. How many pods there are is then what the autoscaler leaves at least, or
`replicas` where that is more.

Exit codes: 1 where there are errors; else 2 where something *cannot be checked*: what was named and cannot be read or
used, and, in a folder too, what is meant as a manifest and no cluster would take: broken YAML, and all for which an API
server refuses an object, in its words and with the line, as `run --dry-run` and `mitigate` tell it. Else 0. What is no
manifest, or none that is checked, is named and *passed over*, and changes no exit code: templates that are not rendered
(pipe `helm template` or `kustomize build` into `check -`), files of other kinds (also what is no YAML, where neither
`apiVersion` nor `kind` is a key in it, and it is a `.json` or has several other keys), values and settings, custom
kinds, patches of kustomize (what in a folder lacks something, but is not named itself), workloads with `replicas: 0`,
and workloads that nothing sends to. Where no workload was found at all, the last line says so; where there is nothing
in what was named, an empty file or folder, that is 2.

As a hook of [pre-commit](https://pre-commit.com), with the revision that is wanted:

```yaml
repos:
  - repo: PATH_OR_URL_OF_THIS_REPOSITORY
    rev: v0.1.0
    hooks:
      - id: rollout-harness-check
        files: ^deploy/
```
"""

PROVED = "a rollout on the sandbox"


def index() -> str:
    """The page of all rules."""
    return HEAD + "".join(_row(row) for row in HAZARDS) + FOOT


def page(row: Row) -> str:
    """The page of one."""
    case = CASES[row.id]
    cause = f"Calls are lost by [{row.cause}](../causes.md)." if row.cause else "It loses no call by itself."
    told = f"With `{' '.join(case.told)}`:\n\n" if case.told else ""
    return (
        f"# {row.id}\n\n**{row.severity}**: {row.wrong}.\n\n{row.why}\n\n"
        f"{cause} Needed: {_mend(row)}.\n\nKnown from: {_evidence(row, case, link=True)}.\n\n"
        f"## Fails\n{told}```yaml\n{manifests(case.fails)}```\n\n"
        f"## Passes\n{told}```yaml\n{manifests(case.passes)}```\n"
    )


def manifests(app: App) -> str:
    """The application as YAML."""
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = False
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda _: True
    texts = []
    for each in app.objects:
        text = io.StringIO()
        yaml.dump(each, text)
        texts.append(text.getvalue())
    return "---\n".join(texts)


def _row(row: Row) -> str:
    cells: tuple[Any, ...] = (
        f"[{row.id}](rules/{row.id}.md)", row.severity, row.wrong, row.cause or "", _evidence(row, CASES[row.id])
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _mend(row: Row) -> str:
    """What mends it, in the words that it has where its own case is found."""
    from harness.spec.hazard import told
    from scripts.rules.found import subject_of

    return told(row, subject_of(CASES[row.id])).mend


def _evidence(row: Row, case: Case, *, link: bool = False) -> str:
    if case.proof is not None:
        return f"{PROVED} (`make rules`)" if link else PROVED
    if row.source.startswith("https:"):
        return f"[the documentation]({row.source})"
    return f"[what servers do]({'../' if link else ''}{row.source.removeprefix('docs/')})"
