"""CustomResourceDefinitions on a control plane of its own: what they serve, hold to, publish and take along."""

from __future__ import annotations

import asyncio
import copy
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType, Propagation
from harness.sandbox.apiserver.resources import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

Object = dict[str, Any]

CRDS = DEFINITIONS.collection()
SHOPS = "/apis/example.org/v1/namespaces/default/shops"
SHOP: Object = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 5},
                "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "port": {"x-kubernetes-int-or-string": True},
                "replicas": {"type": "integer"},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.sel",
}


def version(name: str = "v1", *, schema: Object = SHOP, storage: bool = True, **more: Any) -> Object:
    subresources = {"status": {}, "scale": SCALE}
    body = {"name": name, "served": True, "storage": storage, "subresources": subresources}
    return {**body, "schema": {"openAPIV3Schema": schema}, **more}


def definition(*versions: Object, kind: str = "Shop", short: str = "sp", **spec: Any) -> Object:
    plural = f"{kind.lower()}s"
    names = {"plural": plural, "kind": kind, "shortNames": [short]}
    head = {"group": "example.org", "scope": "Namespaced", "names": names, "versions": list(versions or (version(),))}
    return {"metadata": {"name": f"{plural}.example.org"}, "spec": {**head, **spec}}


def shop(name: str = "one", **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {"size": 2, **spec}}


def conditions(obj: Object) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["reason"]) for item in obj["status"]["conditions"]}


async def test_a_definition_is_established_and_its_kind_served_at_once(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    stored = await client.get(f"{CRDS}/shops.example.org")
    assert conditions(stored) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert stored["status"]["storedVersions"] == ["v1"]
    assert stored["status"]["acceptedNames"] == {
        "plural": "shops", "singular": "shop", "kind": "Shop", "listKind": "ShopList", "shortNames": ["sp"],
    }  # fmt: skip
    made = await client.create(SHOPS, shop())
    assert made["spec"] == {"size": 2, "colour": "red"}
    listed = await client.list(SHOPS)
    assert (listed["kind"], listed["items"][0]["kind"]) == ("ShopList", "Shop")
    found = await client.get("/apis/example.org/v1")
    assert {entry["name"] for entry in found["resources"]} == {"shops", "shops/status", "shops/scale"}
    assert "example.org" in [group["name"] for group in (await client.get("/apis"))["groups"]]


async def test_generation_counts_the_spec_and_the_status_is_a_part_of_its_own(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(SHOPS, {**shop(), "status": {"ready": True}})
    assert "status" not in await client.get(f"{SHOPS}/one")
    changed = await client.patch(f"{SHOPS}/one", {"spec": {"size": 4}, "status": {"ready": True}})
    assert (changed["metadata"]["generation"], "status" in changed) == (2, False)
    told = await client.patch(f"{SHOPS}/one/status", {"status": {"ready": True, "more": [1]}, "spec": {"size": 5}})
    assert (told["metadata"]["generation"], told["status"], told["spec"]["size"]) == (
        2,
        {"ready": True, "more": [1]},
        4,
    )


async def test_without_a_status_subresource_the_status_is_a_field_like_others(client: ApiClient) -> None:
    await client.create(CRDS, definition(version(subresources={})))
    made = await client.create(SHOPS, {**shop(), "status": {"ready": True}})
    assert made["status"] == {"ready": True}
    assert (await client.patch(f"{SHOPS}/one", {"status": {"ready": False}}))["metadata"]["generation"] == 2
    with pytest.raises(ApiError) as refused:
        await client.patch(f"{SHOPS}/one/status", {"status": {}})
    assert refused.value.status == 404


async def test_the_scale_reads_and_writes_where_the_definition_says(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(SHOPS, shop(replicas=3))
    await client.patch(f"{SHOPS}/one/status", {"status": {"replicas": 1, "sel": "app=one"}})
    scale = await client.get(f"{SHOPS}/one/scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 1, "selector": "app=one"})
    await client.patch(f"{SHOPS}/one/scale", {"spec": {"replicas": 7}})
    assert (await client.get(f"{SHOPS}/one"))["spec"]["replicas"] == 7


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"size": 9}, "spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5"),
        ({"size": None}, "spec.size: Required value"),
        ({"size": "2"}, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'),
        ({"colour": "green"}, 'spec.colour: Unsupported value: "green": supported values: "red", "blue"'),
        ({"port": 1.5}, 'spec.port in body must be of type integer,string: "number"'),
    ],
)
async def test_an_object_that_its_schema_forbids_is_refused_with_every_field(
    client: ApiClient, spec: Object, message: str
) -> None:
    await client.create(CRDS, definition())
    with pytest.raises(ApiError) as refused:
        await client.create(SHOPS, shop(**spec))
    assert (refused.value.status, refused.value.reason) == (422, "Invalid")
    assert refused.value.message.startswith('Shop.example.org "one" is invalid: ')
    assert message in refused.value.message


async def test_what_was_wrong_before_a_schema_changed_may_stay_and_nothing_new_may_be_wrong(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(SHOPS, shop(size=5, port=80))
    tighter = copy.deepcopy(SHOP)
    tighter["properties"]["spec"]["properties"]["size"]["maximum"] = 3
    await client.patch(f"{CRDS}/shops.example.org", {"spec": {"versions": [version(schema=tighter)]}})
    assert (await client.patch(f"{SHOPS}/one", {"spec": {"port": 81}}))["spec"]["size"] == 5
    with pytest.raises(ApiError, match=r"spec\.size in body should be less than or equal to 3"):
        await client.patch(f"{SHOPS}/one", {"spec": {"size": 4}})


async def test_every_version_shows_the_same_objects_under_its_own_name(client: ApiClient) -> None:
    wide = copy.deepcopy(SHOP)
    wide["properties"]["spec"]["properties"]["lamp"] = {"type": "string", "default": "on"}
    await client.create(CRDS, definition(version("v1beta1", storage=False), version("v1", schema=wide)))
    beta = SHOPS.replace("/v1/", "/v1beta1/")
    made = await client.create(beta, shop(colour="blue"))
    assert (made["apiVersion"], "lamp" in made["spec"]) == ("example.org/v1beta1", False)
    seen = await client.get(f"{SHOPS}/one")
    assert (seen["apiVersion"], seen["spec"]) == ("example.org/v1", {"size": 2, "colour": "blue", "lamp": "on"})
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    (group,) = [item for item in (await client.get("/apis"))["groups"] if item["name"] == "example.org"]
    assert [item["version"] for item in group["versions"]] == ["v1", "v1beta1"]
    assert group["preferredVersion"]["version"] == "v1"


async def test_a_version_that_a_webhook_would_convert_says_so(client: ApiClient) -> None:
    url = {"clientConfig": {"url": "https://127.0.0.1/convert"}, "conversionReviewVersions": ["v1"]}
    versions = (version("v1beta1", storage=False), version("v1"))
    await client.create(CRDS, definition(*versions, conversion={"strategy": "Webhook", "webhook": url}))
    await client.create(SHOPS, shop())
    with pytest.raises(ApiError, match=r"the sandbox calls no webhooks; use example\.org/v1") as refused:
        await client.list(SHOPS.replace("/v1/", "/v1beta1/"))
    assert refused.value.status == 500


async def test_names_that_another_kind_has_are_not_accepted_until_it_is_gone(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(CRDS, definition(kind="Shape"))
    stored = await client.get(f"{CRDS}/shapes.example.org")
    assert conditions(stored) == {
        "NamesAccepted": ("False", "ShortNamesConflict"),
        "Established": ("False", "NotAccepted"),
    }
    with pytest.raises(ApiError) as refused:
        await client.list("/apis/example.org/v1/namespaces/default/shapes")
    assert refused.value.status == 404
    await client.delete(f"{CRDS}/shops.example.org")
    assert conditions(await client.get(f"{CRDS}/shapes.example.org"))["Established"][0] == "True"
    assert (await client.list("/apis/example.org/v1/namespaces/default/shapes"))["items"] == []


async def test_a_definition_takes_its_objects_along_and_waits_for_their_finalizers(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(SHOPS, shop("free"))
    held = shop("held")
    held["metadata"]["finalizers"] = ["example.org/wait"]
    await client.create(SHOPS, held)
    await client.delete(f"{CRDS}/shops.example.org")
    assert [item["metadata"]["name"] for item in (await client.list(SHOPS))["items"]] == ["held"]
    stored = await client.get(f"{CRDS}/shops.example.org")
    assert conditions(stored)["Terminating"] == ("True", "InstanceDeletionInProgress")
    with pytest.raises(ApiError, match="create not allowed while custom resource definition is terminating"):
        await client.create(SHOPS, shop("late"))
    await client.patch(f"{SHOPS}/held", {"metadata": {"finalizers": None}})
    for path in (SHOPS, f"{CRDS}/shops.example.org"):
        with pytest.raises(ApiError) as refused:
            await client.get(path)
        assert refused.value.status == 404


async def test_a_thousand_objects_go_with_their_definition_in_one_breath(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    began = time.monotonic()
    for n in range(1000):
        await client.create(SHOPS, shop(f"s{n}"))
    made = time.monotonic()
    await client.delete(f"{CRDS}/shops.example.org")
    assert time.monotonic() - made < made - began, "quicker than they were made, one by one"
    assert (await client.list(CRDS))["items"] == []


async def test_a_watch_ends_with_the_definition_of_its_kind(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    made = await client.create(SHOPS, shop())
    seen: list[str] = []
    watching = asyncio.Event()

    async def watch() -> None:
        async for kind, _ in client.watch(SHOPS, {"resourceVersion": made["metadata"]["resourceVersion"]}):
            seen.append(kind)
            watching.set()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await client.patch(f"{SHOPS}/one", {"spec": {"size": 3}})
        await watching.wait()
        await client.delete(f"{CRDS}/shops.example.org")
    assert seen == ["MODIFIED", "DELETED"]


async def test_custom_objects_own_and_are_owned(client: ApiClient, eventually: Callable[..., Any]) -> None:
    await client.create(CRDS, definition())
    owner = await client.create(SHOPS, shop("owner"))
    reference = {"apiVersion": "example.org/v1", "kind": "Shop", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = shop("owned")
    owned["metadata"]["ownerReferences"] = [reference]
    await client.create(SHOPS, owned)
    maps = "/api/v1/namespaces/default/configmaps"
    await client.create(maps, {"metadata": {"name": "owned", "ownerReferences": [reference]}})
    await client.delete(f"{SHOPS}/owner", propagation=Propagation.BACKGROUND)
    await eventually(SHOPS, lambda items: not items)
    await eventually(maps, lambda items: "owned" not in [item["metadata"]["name"] for item in items])


async def test_a_namespace_ends_with_the_custom_objects_in_it(
    client: ApiClient, eventually: Callable[..., Any]
) -> None:
    await client.create(CRDS, definition())
    await client.create("/api/v1/namespaces", {"metadata": {"name": "n"}})
    await client.create(SHOPS.replace("default", "n"), shop())
    await client.delete("/api/v1/namespaces/n")
    await eventually("/api/v1/namespaces", lambda items: "n" not in [item["metadata"]["name"] for item in items])
    assert (await client.list("/apis/example.org/v1/shops"))["items"] == []


async def test_kinds_named_as_kubernetes_own_are_not_taken_for_them(client: ApiClient) -> None:
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    await client.create(CRDS, definition(version(schema=free), kind="Job"))
    made = await client.create("/apis/example.org/v1/namespaces/default/jobs", {"metadata": {"name": "j"}, "spec": {}})
    assert (made["spec"], "status" in made) == ({}, False)


async def test_a_definition_of_a_kind_that_is_the_apis_own_changes_nothing_of_it(client: ApiClient) -> None:
    ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    await client.create(
        ingresses,
        {"metadata": {"name": "kept"}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
    )
    body = definition(kind="Ingresse", short="in", group="networking.k8s.io")
    body["spec"]["names"] |= {"plural": "ingresses", "singular": "ingress", "kind": "Ingress"}
    approval = {"api-approved.kubernetes.io": "unapproved, for a test"}
    body["metadata"] = {"name": "ingresses.networking.k8s.io", "annotations": approval}
    await client.create(CRDS, body)
    await client.delete(f"{CRDS}/ingresses.networking.k8s.io")
    assert [item["metadata"]["name"] for item in (await client.list(ingresses))["items"]] == ["kept"]
    assert (await client.list(CRDS))["items"] == []


async def test_selectable_fields_select(client: ApiClient) -> None:
    await client.create(CRDS, definition(version(selectableFields=[{"jsonPath": ".spec.colour"}])))
    for name, colour in (("a", "red"), ("b", "blue")):
        await client.create(SHOPS, shop(name, colour=colour))
    listed = await client.list(SHOPS, fieldSelector="spec.colour=blue")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["b"]
    with pytest.raises(ApiError, match=r"field label not supported: spec\.size"):
        await client.list(SHOPS, fieldSelector="spec.size=1")


async def test_an_unknown_field_goes_with_a_warning_or_is_refused_by_name(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    assert "extra" not in (await client.create(SHOPS, shop(extra=1)))["spec"]
    with pytest.raises(ApiError) as refused:
        await client.create(f"{SHOPS}?fieldValidation=Strict", shop("two", extra=1))
    assert refused.value.message == (
        'Shop in version "v1" cannot be handled as a Shop: strict decoding error: unknown field "spec.extra"'
    )


async def test_custom_kinds_take_merge_and_json_patches(client: ApiClient) -> None:
    await client.create(CRDS, definition())
    await client.create(SHOPS, shop())
    operation = {"op": "replace", "path": "/spec/size", "value": 5}
    assert (await client.patch(f"{SHOPS}/one", (operation,), PatchType.JSON))["spec"]["size"] == 5
    with pytest.raises(ApiError, match="the body of the request was in an unknown format"):
        await client.patch(f"{SHOPS}/one", {"spec": {"size": 1}}, PatchType.STRATEGIC)
