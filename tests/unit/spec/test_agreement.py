"""What was written stands in what is there, however a record of either was damaged."""

import pytest

from harness.spec.agreement import contains, missing


def test_a_name_that_is_no_text_is_a_value_like_any_other() -> None:
    live = {"items": [{"name": ["a"]}, {"name": "b"}]}
    assert contains(live, {"items": [{"name": "b"}]})
    assert contains(live, live)
    assert not contains(live, {"items": [{"name": ["b"]}, {"name": "b"}]})


@pytest.mark.parametrize(
    ("live", "written", "same"),
    [
        ("<redacted hmac:00000001>", "<redacted hmac:00000001>", True),
        ("<redacted hmac:00000001>", "<redacted hmac:00000002>", False),
        ("<redacted hmac:00000001>", "<redacted sha256:00000002>", True),  # nobody can tell
        ("<redacted hmac:00000001>", "run", True),
        ("run --token=<redacted hmac:00000001>", "run --token=abc", True),
        ("run --token=<redacted hmac:00000001>", "run --token=<redacted hmac:00000002>", False),
    ],
)
def test_digests_are_compared_where_they_can_be(live: str, written: str, same: bool) -> None:
    assert contains(live, written) is same


def test_what_a_cluster_drops_of_a_stateful_set_is_no_difference() -> None:
    def stateful(**rolling: object) -> dict[str, object]:
        return {"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}

    assert missing(stateful(maxUnavailable=2, partition=1), stateful(partition=1)) == ()
    assert missing(stateful(maxUnavailable=2, partition=1), stateful(partition=0)) == ("updateStrategy",)
