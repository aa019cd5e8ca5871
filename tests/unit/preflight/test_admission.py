"""What the API would refuse is known before anything is made, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from paper_api import paper_kube

from harness.kube.access import Access
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal
from harness.preflight import admission
from harness.preflight.admission import rehearse
from harness.preflight.intent import Intent
from tests.unit.preflight.test_rights import intent

pytestmark = pytest.mark.anyio


async def test_the_load_of_a_run_that_was_killed_is_cleaned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def created(_: Kube, pod: Mapping[str, Any], __: str) -> Any:
        if pod.get("metadata", {}).get("name") == "load":
            raise ApiRefusal("creating", 409, "AlreadyExists", 'pods "load" already exists')
        return dict(pod)

    monkeypatch.setattr(admission, "_created", created)
    wanted: Intent = intent(there=True)
    async with paper_kube({}) as (kube, _):
        kube.access = Access(context="my staging")
        (found,) = (await rehearse(kube, wanted, "shop")).found
    assert found.words == "the load worker's Pod of another run is there already in namespace shop"
    assert found.mend.endswith(": rollout-harness clean --cluster 'context:my staging' --namespace shop --yes")
