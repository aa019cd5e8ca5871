"""The load room, and h11 -> a zip archive that any Python from 3.11 on runs as a load worker."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipapp
from functools import cache
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_NEEDED = ("__init__.py", "errors.py", "exit_codes.py", "model/__init__.py", "model/request.py")
"""What the load room imports of the rest."""

_MAIN = "archive_main.py"


@cache
def worker_archive() -> bytes:
    """The archive: less than a tenth of the 1 MiB that a Secret may have. Everything in it is pure Python."""
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
        root = Path(folder)
        for name in (*_NEEDED, *(f"load/{file.name}" for file in sorted((_PACKAGE / "load").glob("*.py")))):
            _copy(_PACKAGE / name, root / "harness" / name)
        _copy(_PACKAGE / "load" / _MAIN, root / "__main__.py")
        spec = find_spec("h11")
        assert spec is not None
        assert spec.origin is not None
        for source in sorted(Path(spec.origin).parent.glob("*.py")):
            _copy(source, root / "h11" / source.name)
        for licence in files("h11") or ():
            if licence.name.startswith("LICENSE"):
                _copy(Path(str(licence.locate())), root / "h11" / licence.name)
        archive = io.BytesIO()
        zipapp.create_archive(root, archive, compressed=True)
        return archive.getvalue()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
