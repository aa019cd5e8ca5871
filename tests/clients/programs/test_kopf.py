"""kopf with an operator of ours and its own kind, run by its own command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]
OPERATOR = Path(__file__).with_name("shop_operator.py")


@pytest.fixture
def operator(namespace: str, crd: Object, tmp_path: Path) -> Iterator[Path]:
    """The operator, for the test's length, and its log."""
    log = tmp_path / "log"
    command = [sys.executable, "-m", "kopf", "run", "--verbose", "--namespace", namespace, str(OPERATOR)]
    environment = {**os.environ, "SHOP_GROUP": crd["spec"]["group"]}
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment)
    try:
        yield log
    finally:
        process.terminate()
        try:
            code = process.wait(timeout=200)
        finally:
            process.kill()
    assert code == 0, log.read_text()


def test_an_operator_brings_its_kind_to_life_and_lets_go(namespace: str, crd: Object, operator: Path) -> None:
    group = crd["spec"]["group"]
    shop = {"apiVersion": f"{group}/v1", "kind": "Shop", "metadata": {"name": "one"}, "spec": {"size": 2}}
    own = ["--namespace", namespace]
    wait = [*own, "wait", "--timeout=30s"]
    try:
        kubectl(*own, "create", "-f", "-", text=json.dumps(shop))
        kubectl(*wait, "shop/one", "--for=jsonpath={.status.size}=2")
        seen = json.loads(kubectl(*own, "get", "shop", "one", "-o", "json"))
        assert seen["status"]["phase"] == "Open"
        assert seen["status"]["open_shop"] == {"deployment": "one"}
        assert seen["metadata"]["finalizers"] == [f"{group}/operator"]
        kubectl(*own, "scale", "shop", "one", "--replicas=1")
        kubectl(*wait, "shop/one", "--for=jsonpath={.status.size}=1")
        kubectl(*own, "delete", "shop", "one", "--timeout=30s")
        assert kubectl(*own, "get", "configmap", "one-closed", "-o", "jsonpath={.data.by}") == "operator"
        kubectl(*wait, "deployment/one", "--for=delete")
        told = "jsonpath={.items[*].reason}, {.items[*].message}, {.items[*].reportingComponent}"
        said = kubectl(*own, "get", "events", "--field-selector=involvedObject.kind=Shop", "-o", told)
        assert said == "Opened, the shop one is open, kopf"
    except AssertionError as error:
        raise AssertionError(f"{error}\nthe operator said:\n{operator.read_text()[-6000:]}") from None
    log = operator.read_text()
    assert "Traceback" not in log, log
