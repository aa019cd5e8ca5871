"""Label selectors select as the API does, and ask it for the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.apiserver.selectors import of_object, parse_labels
from harness.spec.selector import is_selector, matches, selector_text


def term(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "app", "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "web", "shop", "bare"),
    [
        ({"matchLabels": {"app": "web"}}, True, False, False),
        (term("In", "web", "shop"), True, True, False),
        (term("NotIn", "web"), False, True, True),
        (term("Exists"), True, True, False),
        (term("DoesNotExist"), False, False, True),
        ({"matchLabels": {"app": "web"}, **term("NotIn", "web")}, False, False, False),
    ],
)
def test_all_terms_must_hold(selector: dict[str, Any], web: bool, shop: bool, bare: bool) -> None:
    assert [matches(selector, labels) for labels in ({"app": "web"}, {"app": "shop"}, {})] == [web, shop, bare]


@pytest.mark.parametrize("bad", [{}, {"matchLabels": {}}, {"matchLabels": None}, term("Near", "web"), {"app": "web"}])
def test_what_asks_for_nothing_is_no_selector(bad: dict[str, Any]) -> None:
    assert not is_selector(bad)


KEYS, VALUES = st.sampled_from(["app", "tier", "example.com/a"]), st.sampled_from(["web", "shop", "v1.2"])
SETS = st.builds(
    lambda key, operator, values: {"key": key, "operator": operator, "values": values},
    KEYS,
    st.sampled_from(["In", "NotIn"]),
    st.lists(VALUES, min_size=1, max_size=2),
)
EXISTENCE = st.builds(
    lambda key, operator: {"key": key, "operator": operator}, KEYS, st.sampled_from(["Exists", "DoesNotExist"])
)
SELECTORS = st.builds(
    lambda labels, terms: {"matchLabels": labels, "matchExpressions": terms},
    st.dictionaries(KEYS, VALUES, max_size=2),
    st.lists(SETS | EXISTENCE, max_size=3),
)


@given(SELECTORS, st.dictionaries(KEYS, VALUES))
def test_the_api_is_asked_for_what_is_selected(selector: dict[str, Any], labels: dict[str, str]) -> None:
    asked = all(one.matches(labels) for one in parse_labels(selector_text(selector)))
    controlled = all(one.matches(labels) for one in of_object(selector))
    assert matches(selector, labels) == asked == controlled
