"""The real kubectl reads each scalar as the reader of manifests does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.manifests.kubectl_yaml import documents
from tests.unit.manifests.test_kubectl_yaml import SCALARS

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
MORE = ("0777", "0o17", "1e2", "-1.5e-2", "+1", "1_2.3_4", "0xfF", "-0b1", "0777.5", "0.50", "tRuE", "Null", "2026-1-1")


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed (make test installs it)")
def test_kubectl_takes_each_scalar_for_the_same(tmp_path: Path) -> None:
    scalars = [scalar for scalar, _ in SCALARS] + list(MORE)
    text = "".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\nv: {scalar}\n"
        for number, scalar in enumerate(scalars)
    )
    file = tmp_path / "scalars.yaml"
    file.write_text(text)
    assert KUBECTL is not None
    command = [KUBECTL, "annotate", "--local", "-f", str(file), "a=b", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    decoder, at, seen = json.JSONDecoder(), 0, []
    while at < len(done.stdout.rstrip()):
        found, at = decoder.raw_decode(done.stdout, at)
        at += len(done.stdout[at:]) - len(done.stdout[at:].lstrip())
        seen.append((found["v"], type(found["v"])))
    ours = [document["v"] for document in documents(text) if document is not None]
    assert dict(zip(scalars, seen, strict=True)) == {s: (v, type(v)) for s, v in zip(scalars, ours, strict=True)}
