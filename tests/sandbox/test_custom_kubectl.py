"""The real kubectl and a CustomResourceDefinition: it prints what it printed on a real cluster, command by command.

`kubectl/custom/session.jsonl` was recorded on Kubernetes 1.36.2 with kubectl 1.37.1; what a newer kubectl alone says
(in which namespace something was deleted) is left out of the comparison.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from planes import Plane

pytestmark = [pytest.mark.sandbox]

HERE = Path(__file__).parent / "kubectl" / "custom"
KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
NEWER = re.compile(r"( deleted) from \S+ namespace")


def normal(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", NEWER.sub(r"\1", line)).strip() for line in text.splitlines() if line.strip()]


def run(plane: Plane, command: str) -> tuple[int, list[str]]:
    assert KUBECTL is not None
    environment = {**os.environ, "KUBECONFIG": str(plane.kubeconfig()), "HOME": str(plane.state)}
    done = subprocess.run(
        [KUBECTL, *shlex.split(command)], cwd=HERE, env=environment, capture_output=True, text=True, timeout=200
    )
    return done.returncode, normal(done.stdout + done.stderr)


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kubectl_prints_what_it_printed_on_a_real_cluster(plane: Plane) -> None:
    assert run(plane, "create ns k3")[0] == 0
    for line in (HERE / "session.jsonl").read_text().splitlines():
        recorded = json.loads(line)
        code, printed = run(plane, recorded["kubectl"])
        assert (code, printed) == (recorded["rc"], normal(recorded["stdout"] + recorded["stderr"])), recorded["kubectl"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_an_application_with_its_definition_is_applied_twice_and_explained(plane: Plane) -> None:
    assert run(plane, "apply -f crd.yaml")[0] == 0
    assert run(plane, "apply -f shop.yaml") == (0, ["shop.example.org/one created"])
    definition = "customresourcedefinition.apiextensions.k8s.io/shops.example.org"
    assert run(plane, "apply -f shop.yaml -f crd.yaml")[1] == [
        "shop.example.org/one unchanged", f"{definition} unchanged",
    ]  # fmt: skip
    assert run(plane, "get sp,crd -o name")[1] == [
        "shop.example.org/one", definition,
    ]  # fmt: skip
    _, explained = run(plane, "explain shop --recursive")
    assert {"KIND: Shop", "size <integer> -required-", "metadata <ObjectMeta>"} <= {*explained}
    code, printed = run(plane, "apply -f shop-bad.yaml --validate=false")
    assert (code, printed[0]) == (1, 'The Shop "two" is invalid:')
    assert "* spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5" in printed
