"""What run.json says of a run before it begins: what is sent, and nothing of it that may be secret."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.experiment import Experiment
from harness.model.run import RequestFacts, RunInfo
from harness.reporters.place import particulars
from harness.runner.facts import requests_sent


def experiment(**keys: Any) -> Experiment:
    base = {"version": 1, "name": "a", "manifests": ["a.yaml"], "service": {"name": "web", "port": 80}}
    base |= {"update": "restart", "load": {"new": {"rate": 1}}, "variants": {"a": {}}}
    return Experiment.model_validate({**base, **keys})


MIX = [
    {"path": "/?token=s3cret", "weight": 3},
    {"method": "POST", "path": "/orders", "expect": [200, "202-204"], "headers": {"Authorization": "Bearer s3cret"}},
]


@pytest.mark.parametrize(
    ("keys", "facts", "words"),
    [
        ({}, [RequestFacts(method="GET", path="/", success=("200-299",))], "GET / (200-299)"),
        (
            {"requests": MIX},
            [
                RequestFacts(method="GET", path="/?...", weight=3, success=("200-299",)),
                RequestFacts(method="POST", path="/orders", success=("200", "202-204")),
            ],
            "3 of 4 GET /?... (200-299), 1 of 4 POST /orders (200, 202-204)",
        ),
        (
            {"load": {"slow": {"rate": 1, "path": "/slow"}, "new": {"rate": 1}}, "request": {"path": "/fast"}},
            [
                RequestFacts(method="GET", path="/fast", success=("200-299",)),
                RequestFacts(method="GET", path="/slow", success=("200-299",), stream="slow"),
            ],
            "GET /fast (200-299), GET /slow on slow (200-299)",
        ),
    ],
)
def test_what_is_sent_is_on_record_and_in_the_report(
    keys: dict[str, Any], facts: list[RequestFacts], words: str
) -> None:
    found = tuple(requests_sent(experiment(**keys)))
    assert found == tuple(facts)
    info = RunInfo(experiment="a", scenario="a", variant="a", requests=found)
    assert dict(particulars(info))["requests"] == words
