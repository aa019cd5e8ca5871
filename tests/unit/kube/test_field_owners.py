"""managedFields before and after our writes: who else wrote, and what gives everybody back what was theirs."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.kube.field_owners import MANAGER, as_before, others_since, owned_alike

Json = dict[str, Any]
T0, T1 = "2026-11-27T09:00:00Z", "2026-11-27T10:00:00Z"
TEMPLATE = ("f:spec", "f:template")


def container(*fields: str) -> Json:
    own: Json = {".": {}, "f:name": {}} if "name" in fields else {}
    listed = {**own, **{f"f:{name}": {} for name in fields if name != "name"}}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': listed}}}}}


def entry(manager: str, fields: Json, *, operation: str = "Apply", time: str = T0, **more: str) -> Json:
    known = {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": time}
    return {**known, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


OWNER = entry("kubectl", container("name", "image", "env"))
STATUS = entry("kube-controller-manager", {"f:status": {}}, operation="Update", subresource="status")
ROLLED = [
    entry("kubectl", container("name", "env")),
    entry(MANAGER, container("image"), operation="Update", time=T1),
    {**STATUS, "time": T1},
]


def test_what_we_took_is_its_owners_again_to_the_letter_and_status_stays_as_it_is() -> None:
    assert as_before([OWNER, STATUS], ROLLED) == [{**STATUS, "time": T1}, OWNER]


def test_an_owner_who_had_nothing_else_is_back() -> None:
    only = entry("set-image", container("image"), operation="Update")
    rolled = [entry(MANAGER, container("image"), operation="Update", time=T1)]
    assert as_before([only], rolled) == [only]


def test_what_we_scaled_is_its_owners_again() -> None:
    replicas: Json = {"f:spec": {"f:replicas": {}}}
    scaled = [entry(MANAGER, replicas, operation="Update", subresource="scale"), {**STATUS, "time": T1}]
    assert as_before([entry("kubectl", replicas)], scaled) == [{**STATUS, "time": T1}, entry("kubectl", replicas)]
    assert as_before([], scaled) == [{**STATUS, "time": T1}]


def test_what_others_wrote_meanwhile_stays_theirs() -> None:
    theirs = entry("kubectl-label", {"f:metadata": {"f:labels": {"f:team": {}}}}, operation="Update", time=T1)
    assert as_before([OWNER], [*ROLLED, theirs])[1:] == [OWNER, theirs]


def test_an_owner_who_wrote_meanwhile_keeps_what_he_wrote_and_gets_back_what_we_took() -> None:
    wrote = entry("kubectl", container("name", "env", "args"), time=T1)
    (found,) = (e for e in as_before([OWNER], [wrote, ROLLED[1]]) if e["manager"] == "kubectl")
    assert owned_alike([found], [entry("kubectl", container("name", "image", "env", "args"))])
    assert found["time"] == T1


def test_what_an_owner_gave_up_meanwhile_is_not_forced_on_him() -> None:
    gave_up = entry("kubectl", container("name"), time=T1)
    (found,) = (e for e in as_before([OWNER], [gave_up, ROLLED[1]]) if e["manager"] == "kubectl")
    assert owned_alike([found], [entry("kubectl", container("name", "image"))])


def test_one_who_lost_fields_to_us_is_nobody_who_wrote() -> None:
    assert others_since([OWNER, STATUS], ROLLED, under=TEMPLATE) == ()


def test_who_wrote_other_fields_or_the_same_again_is_named() -> None:
    theirs = entry("kubectl-set", container("env"), operation="Update", time=T1)
    assert others_since([OWNER], [*ROLLED, theirs], under=TEMPLATE) == (f"kubectl-set (Update) at {T1}",)
    again = entry("kubectl", container("name", "env"), time=T1)
    assert others_since([OWNER], [again], under=TEMPLATE) == (f"kubectl (Apply) at {T1}",)


def test_who_wrote_elsewhere_is_none_of_the_templates_business() -> None:
    theirs = entry("hpa", {"f:spec": {"f:replicas": {}}}, operation="Update", time=T1)
    assert others_since([OWNER], [*ROLLED, theirs], under=TEMPLATE) == ()


PATHS = st.sets(st.tuples(st.sampled_from(["f:a", "f:b", 'k:{"name":"c"}']), st.sampled_from(["f:x", "f:y", "f:z"])))


def tree(paths: set[tuple[str, str]], *, items: bool) -> Json:
    """The fields of these paths; `items`: the upper level is owned too, as the items of a list are."""
    found: Json = {}
    for upper, lower in sorted(paths):
        found.setdefault(upper, {".": {}} if items else {})[lower] = {}
    return {"f:spec": found} if found else {}


@given(owned=PATHS.filter(bool), taken=PATHS, items=st.booleans())
def test_whatever_we_take_from_whom_it_comes_back_to_the_letter(
    owned: set[tuple[str, str]], taken: set[tuple[str, str]], items: bool
) -> None:
    before = entry("owner", tree(owned, items=items))
    left = tree(owned - taken, items=items)
    # Of an item that we took whole we own the item itself, as its owner did.
    mine = entry(MANAGER, tree(taken, items=items), operation="Update", time=T1)
    now = [*([entry("owner", left)] if left else []), *([mine] if taken else [])]
    assert as_before([before], now) == [before]
