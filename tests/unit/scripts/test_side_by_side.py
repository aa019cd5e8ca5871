"""The table of variants that ran side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.side_by_side.__main__ import _described
from scripts.side_by_side.findings import Finding
from scripts.side_by_side.page import dose_table, matrix_table, picture

ONE = Finding(
    variant="all",
    place="as-written",
    verdict="seamless",
    reason="no call was lost to a rollout",
    own=(0, 0),
    requests=9000,
    causes={},
    took_s=(118.9, 96.2),
    lag_ms=3.14,
)
OTHER = replace(ONE, variant="none", verdict="dropping", own=(40, 2), causes={"creation-race": 42}, took_s=(3.0, None))


def test_a_pipeline_is_told_of_the_slowest_rollout() -> None:
    assert (ONE.said(120.0), ONE.said(60.0)) == (
        "successfully rolled out",
        "error: timed out waiting for the condition",
    )
    assert OTHER.said(3600.0).startswith("error: ")


def test_the_table_has_a_row_a_variant_and_that_of_doses_a_column_a_place() -> None:
    table = matrix_table([ONE, OTHER])
    assert "| `none` | 40, 2 | creation-race 42 | dropping | 3s, not in time |" in table
    doses = dose_table([ONE, OTHER, replace(OTHER, place="proxy-30s", verdict="inconclusive", reason="clock")])
    assert "| `none` | 42 | 42 (inconclusive: clock) |" in doses
    assert "| `all` | 0 |  |" in doses


def test_the_picture_shows_each_variant() -> None:
    drawn = picture([ONE, OTHER], "matrix")
    assert drawn.startswith("<svg")
    assert all(f">{word}</text>" in drawn for word in ("all", "none", "creation-race"))


def test_what_an_experiment_names_beside_itself_is_found_from_where_its_variants_are_written(tmp_path: Path) -> None:
    image = {"command": ["{python}", "-I", "../app/app.py"], "env": {"A": "1"}}
    written = {"manifests": ["../manifests/app.yaml"], "images": {"app:1": image}, "variants": {"all": {}}}
    made = _described(written, tmp_path / "experiments", "all", "as-written", rollouts=None)
    assert made["manifests"] == [str(tmp_path / "manifests/app.yaml")]
    assert made["images"] == {"app:1": {**image, "command": ["{python}", "-I", str(tmp_path / "app/app.py")]}}
