"""What was written stands in what is there, however a record of either was damaged."""

from harness.spec.agreement import contains


def test_a_name_that_is_no_text_is_a_value_like_any_other() -> None:
    live = {"items": [{"name": ["a"]}, {"name": "b"}]}
    assert contains(live, {"items": [{"name": "b"}]})
    assert contains(live, live)
    assert not contains(live, {"items": [{"name": ["b"]}, {"name": "b"}]})
