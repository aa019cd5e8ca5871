"""The arithmetic of rolling updates, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.controllers.rolling import Sized, bounds, new_size, old_sizes, proportional_sizes


def sized(text: str, name: str = "", created: float = 0.0, max_before: int = 0) -> Sized:
    """`3/2` is a set asked for three replicas of which two are available."""
    replicas, _, available = text.partition("/")
    return Sized(
        name=name or text,
        replicas=int(replicas),
        available=int(available or replicas),
        created=created,
        max_before=max_before,
    )


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, "25%", "25%", (1, 0)),
        (3, "25%", "25%", (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (10, 0, "5%", (0, 1)),
        (10, 2, 3, (2, 3)),
        (2, 0, 5, (0, 2)),
        (0, "25%", "25%", (0, 0)),
        (3, "100%", "100%", (3, 3)),
    ],
)
def test_surge_is_rounded_up_and_unavailability_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    at = bounds(replicas, surge, unavailable)
    assert (at.max_surge, at.max_unavailable) == expected


@pytest.mark.parametrize(
    ("replicas", "surge", "new", "old", "expected"),
    [
        (3, 1, "0/0", "3", 1),
        (3, 1, "1/0", "3", 1),
        (3, 1, "1/1", "2", 2),
        (3, 1, "3/3", "0", 3),
        (3, 1, "5/5", "0", 3),
        (10, 3, "0/0", "10", 3),
        (2, 5, "0/0", "2", 2),
    ],
)
def test_the_new_set_grows_as_far_as_the_surge_allows(
    replicas: int, surge: int, new: str, old: str, expected: int
) -> None:
    assert new_size(bounds(replicas, surge, 0), sized(new), [sized(old)]) == expected


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "new", "old", "expected"),
    [
        (3, 1, 0, "1/0", ["3"], {}),
        (3, 1, 0, "1/1", ["3"], {"3": 2}),
        (3, 1, 1, "1/0", ["3"], {"3": 2}),
        (4, 1, 1, "1/0", ["4/2"], {"4/2": 3}),
        (2, 1, 0, "2/2", ["1"], {"1": 0}),
        (10, 3, 2, "3/0", ["10"], {"10": 8}),
        (4, 0, 4, "0/0", ["2", "2/0"], {"2": 0, "2/0": 0}),
    ],
)
def test_old_sets_shrink_as_far_as_availability_allows(
    replicas: int, surge: int, unavailable: int, new: str, old: list[str], expected: dict[str, int]
) -> None:
    sets = [sized(text, created=float(n)) for n, text in enumerate(old)]
    assert old_sizes(bounds(replicas, surge, unavailable), sized(new, name="new"), sets) == expected


def test_pods_that_are_not_available_go_before_those_that_are() -> None:
    healthy, broken = sized("2/2", "healthy", created=1.0), sized("2/0", "broken", created=2.0)
    assert old_sizes(bounds(4, 0, 2), sized("0/0", "new"), [healthy, broken]) == {"broken": 0}


def test_pods_that_a_set_gave_up_but_still_reports_are_not_counted_twice() -> None:
    assert old_sizes(bounds(4, 1, 1), sized("2/2", "new"), [sized("2/3", "old")]) == {"old": 1}


@pytest.mark.parametrize(
    ("replicas", "surge", "sizes", "expected"),
    [
        (10, 3, {"new": 3, "old": 8}, {"new": 4, "old": 9}),
        (15, 3, {"new": 5, "old": 8}, {"new": 7, "old": 11}),
        (0, 3, {"new": 5, "old": 8}, {"new": 0, "old": 0}),
        (5, 2, {"new": 5, "old": 8}, {"new": 3, "old": 4}),
    ],
)
def test_scaling_in_the_middle_of_a_rollout_is_shared_in_proportion(
    replicas: int, surge: int, sizes: dict[str, int], expected: dict[str, int]
) -> None:
    before = sum(sizes.values())
    sets = [sized(str(size), name, created=float(n), max_before=before) for n, (name, size) in enumerate(sizes.items())]
    assert proportional_sizes(bounds(replicas, surge, 0), sets, before) == expected


steps = st.integers(0, 40)


@given(replicas=st.integers(1, 60), surge=st.integers(0, 30), unavailable=st.integers(0, 30), lost=st.data())
def test_a_rollout_ends_and_never_leaves_its_bounds(
    replicas: int, surge: int, unavailable: int, lost: st.DataObject
) -> None:
    at = bounds(replicas, surge, unavailable)
    new, old = Sized(name="new", replicas=0), sized(str(replicas), "old")
    for _ in range(4 * replicas + 4):
        grown = new_size(at, new, [old])
        if grown == new.replicas:
            smaller = old_sizes(at, new, [old]).get("old", old.replicas)
            old = Sized(name="old", replicas=smaller, available=min(old.available, smaller))
        else:
            new = Sized(name="new", replicas=grown, available=new.available)
        assert new.replicas + old.replicas <= at.replicas + at.max_surge
        assert new.available + old.available >= at.replicas - at.max_unavailable
        ready = lost.draw(st.integers(new.available, new.replicas))
        new = Sized(name="new", replicas=new.replicas, available=ready)
        if new.available == replicas and old.replicas == 0:
            return
        if grown == new.replicas and ready < new.replicas:
            new = Sized(name="new", replicas=new.replicas, available=new.replicas)
    raise AssertionError(f"not done: new {new}, old {old}")
