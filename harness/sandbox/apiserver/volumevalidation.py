"""The volumes of a pod, and the mounts of its containers -> what is wrong with them.

Source: kubernetes `pkg/apis/core/validation/validation.go` (ValidateVolumes, ValidateVolumeMounts and below).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_MOST_MODE = 0o777
_HOST_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
# The field of a projection that names what it takes from.
_PROJECTIONS = {"configMap": "name", "secret": "name", "downwardAPI": "", "serviceAccountToken": "path"}


def check_volumes(errors: FieldErrors, volumes: list[Object], at: str) -> set[str]:
    """Each has a name of its own and one source. Returns the names."""
    names: set[str] = set()
    for n, volume in enumerate(volumes):
        name = volume.get("name", "")
        if not name:
            errors.required(f"{at}[{n}].name")
            continue
        errors.label(f"{at}[{n}].name", name)
        if name in names:
            errors.duplicate(f"{at}[{n}].name", name)
        names.add(name)
        sources = [key for key in volume if key != "name"]
        for extra in sources[1:]:
            errors.forbidden(f"{at}[{n}].{extra}", "may not specify more than 1 volume type")
        for source in sources[:1]:
            _source(errors, source, volume[source], f"{at}[{n}].{source}")
    return names


def _source(errors: FieldErrors, kind: str, source: Object, at: str) -> None:
    match kind:
        case "configMap" | "secret":
            field = "name" if kind == "configMap" else "secretName"
            if not source.get(field):
                errors.required(f"{at}.{field}")
            _mode(errors, source.get("defaultMode"), f"{at}.defaultMode")
            _items(errors, source.get("items") or [], f"{at}.items")
        case "downwardAPI":
            _mode(errors, source.get("defaultMode"), f"{at}.defaultMode")
            _fields(errors, source.get("items") or [], at)
        case "projected":
            _mode(errors, source.get("defaultMode"), f"{at}.defaultMode")
            for n, projection in enumerate(source.get("sources") or ()):
                _projection(errors, projection, f"{at}.sources[{n}]")
        case "hostPath":
            if source.get("path"):
                errors.no_way_back(f"{at}.path", source["path"])
            else:
                errors.required(f"{at}.path")
            errors.one_of(f"{at}.type", source.get("type", ""), _HOST_TYPES)
        case "persistentVolumeClaim":
            if not source.get("claimName"):
                errors.required(f"{at}.claimName")
        case "emptyDir":
            if (source.get("sizeLimit") or "").startswith("-"):
                errors.forbidden(f"{at}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _mode(errors: FieldErrors, mode: int | None, at: str) -> None:
    if mode is not None and not 0 <= mode <= _MOST_MODE:
        errors.invalid(at, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _items(errors: FieldErrors, items: list[Object], at: str) -> None:
    for n, item in enumerate(items):
        if not item.get("key"):
            errors.required(f"{at}[{n}].key")
        _place(errors, item.get("path", ""), f"{at}[{n}].path")
        _mode(errors, item.get("mode"), f"{at}[{n}].mode")


def _place(errors: FieldErrors, path: str, at: str) -> None:
    """Where below the volume a file is put; names with two dots before are the kubelet's own."""
    if not path:
        errors.required(at)
        return
    errors.descending_path(at, path)
    if path.startswith("..") and not path.startswith("../") and path != "..":
        errors.invalid(at, path, "must not start with '..'")


def _fields(errors: FieldErrors, items: list[Object], at: str) -> None:
    for n, item in enumerate(items):
        _place(errors, item.get("path", ""), f"{at}.items[{n}].path")
        _mode(errors, item.get("mode"), f"{at}.items[{n}].mode")
        given = [field for field in ("fieldRef", "resourceFieldRef") if item.get(field) is not None]
        if not given:
            errors.required(f"{at}.items[{n}]", "one of fieldRef and resourceFieldRef is required")
        elif len(given) > 1:
            errors.invalid(
                f"{at}.items[{n}]", "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"
            )


def _projection(errors: FieldErrors, projection: Object, at: str) -> None:
    given = [kind for kind in projection if projection[kind] is not None]
    for extra in given[1:]:
        errors.forbidden(f"{at}.{extra}", "may not specify more than 1 volume type")
    for kind in given[:1]:
        source, needed = projection[kind], _PROJECTIONS.get(kind, "")
        if needed and not source.get(needed):
            errors.required(f"{at}.{kind}.{needed}")
        if kind == "downwardAPI":
            _fields(errors, source.get("items") or [], f"{at}.{kind}")
        elif kind in ("configMap", "secret"):
            _items(errors, source.get("items") or [], f"{at}.{kind}.items")


def check_mounts(errors: FieldErrors, container: Object, at: str, volumes: set[str]) -> None:
    """Each mounts a volume there is, at a place of its own, and nothing from above the volume."""
    paths: set[str] = set()
    privileged = bool((container.get("securityContext") or {}).get("privileged"))
    for n, mount in enumerate(container.get("volumeMounts") or ()):
        where = f"{at}[{n}]"
        if not mount.get("name"):
            errors.required(f"{where}.name")
        elif mount["name"] not in volumes:
            errors.not_found(f"{where}.name", mount["name"])
        path = mount.get("mountPath", "")
        if not path:
            errors.required(f"{where}.mountPath")
        elif path in paths:
            errors.invalid(f"{where}.mountPath", path, "must be unique")
        paths.add(path)
        for field in ("subPath", "subPathExpr"):
            if mount.get(field):
                errors.descending_path(f"{where}.{field}", mount[field])
        if mount.get("subPath") and mount.get("subPathExpr"):
            why = "subPathExpr and subPath are mutually exclusive"
            errors.invalid(f"{where}.subPathExpr", mount["subPathExpr"], why)
        propagation = mount.get("mountPropagation")
        if propagation is not None:
            errors.one_of(f"{where}.mountPropagation", propagation, _PROPAGATIONS)
        if propagation == "Bidirectional" and not privileged:
            errors.forbidden(
                f"{where}.mountPropagation",
                "Bidirectional mount propagation is available only to privileged containers",
            )
