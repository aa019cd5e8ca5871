"""reports/sample/ is what `make sample` writes today."""

import json
import re
import zlib
from base64 import b64decode
from pathlib import Path

import pytest

from scripts.sample import KINDS, sample

SAMPLE = Path(__file__).parents[3] / "reports" / "sample"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    sample(folder)
    return folder


def comparable(text: str) -> str:
    """Without what hangs on the machine: how text was measured for a picture, and how zlib packs."""

    def unpacked(found: re.Match[str]) -> str:
        return f'{found[1]}="{json.dumps(json.loads(zlib.decompress(b64decode(found[2]))), indent=1)}"'

    text = re.sub(r"<svg.*?</svg>", "<svg/>", text, flags=re.DOTALL)
    return re.sub(r'(data-(?:rows|races))="([^"]*)"', unpacked, re.sub(r'data-picture="[^"]*"', "data-picture", text))


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_is_current(kind: str, fresh: Path) -> None:
    kept, now = ((folder / kind).read_text(encoding="utf-8") for folder in (SAMPLE, fresh))
    if kind == "result.json":
        assert json.loads(kept) == json.loads(now), "make sample, then look"
    assert comparable(kept).splitlines() == comparable(now).splitlines(), "make sample, then look"
