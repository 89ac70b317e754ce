"""Four policies for the size of a window that several look at."""

import pytest

from termhub.errors import BadRequest
from termhub.hub.sizes import Size, Sizes, checked_size

SMALL, WIDE, TALL = Size(60, 20), Size(200, 30), Size(90, 70)


def three(policy: str) -> Sizes:
    sizes = Sizes()
    sizes.set_policy(policy)  # type: ignore[arg-type]
    sizes.set_area("a", SMALL)
    sizes.set_area("b", WIDE)
    sizes.set_area("c", TALL)
    return sizes


def test_latest_follows_who_came_typed_or_resized_last() -> None:
    sizes = three("latest")
    assert sizes.wanted() == TALL
    assert sizes.used("a")
    assert sizes.wanted() == SMALL
    assert not sizes.used("a")
    sizes.set_area("b", Size(201, 31))
    assert sizes.wanted() == Size(201, 31)


def test_latest_goes_back_to_who_was_before() -> None:
    sizes = three("latest")
    sizes.used("a")
    sizes.remove("a")
    assert sizes.wanted() == TALL
    sizes.remove("c")
    assert sizes.wanted() == WIDE


def test_nobody_takes_the_size_from_another_person_by_coming_or_resizing() -> None:
    sizes = Sizes()
    sizes.set_area("laptop", WIDE, person="alice")
    sizes.set_area("phone", SMALL, person="bob")
    assert sizes.wanted() == WIDE
    sizes.set_area("phone", Size(61, 21), person="bob")
    assert sizes.wanted() == WIDE
    assert not sizes.used("laptop")
    sizes.set_area("laptop", TALL, person="alice")
    assert sizes.wanted() == TALL
    assert sizes.used("phone")
    assert sizes.wanted() == Size(61, 21)
    sizes.set_area("laptop", WIDE, person="alice")
    assert sizes.wanted() == Size(61, 21)
    sizes.remove("phone")
    assert sizes.wanted() == WIDE


def test_another_place_of_the_same_person_has_the_size_at_once() -> None:
    sizes = Sizes()
    sizes.set_area("laptop", WIDE, person="alice")
    sizes.set_area("guest", TALL, person="bob")
    sizes.set_area("phone", SMALL, person="alice")
    assert sizes.wanted() == SMALL
    sizes.remove("phone")
    assert sizes.wanted() == WIDE


def test_whoever_may_not_type_keeps_nobody_from_the_size() -> None:
    sizes = Sizes()
    sizes.set_area("looker", WIDE, counts=False, person="bob")
    sizes.set_area("writer", SMALL, person="alice")
    assert sizes.wanted() == SMALL
    sizes.set_counts("writer", False)
    sizes.set_counts("looker", True)
    assert sizes.wanted() == WIDE


def test_smallest_and_largest_take_each_dimension() -> None:
    assert three("smallest").wanted() == Size(60, 20)
    assert three("largest").wanted() == Size(200, 70)
    sizes = three("smallest")
    assert not sizes.used("b")
    sizes.remove("a")
    assert sizes.wanted() == Size(90, 30)


def test_manual_stays() -> None:
    sizes = three("manual")
    assert sizes.wanted() is None
    sizes.set_policy("manual", Size(100, 40))
    sizes.set_area("d", SMALL)
    assert sizes.wanted() == Size(100, 40)


def test_who_only_looks_counts_only_when_alone() -> None:
    sizes = Sizes()
    sizes.set_area("looker", WIDE, counts=False)
    assert sizes.wanted() == WIDE
    sizes.set_area("writer", SMALL)
    sizes.set_area("looker", TALL, counts=False)
    assert sizes.wanted() == SMALL
    sizes.set_policy("largest")
    assert sizes.wanted() == SMALL
    sizes.remove("writer")
    assert sizes.wanted() == TALL


def test_nobody_wishes_nothing() -> None:
    sizes = three("latest")
    for viewer in "abc":
        sizes.remove(viewer)
    assert sizes.wanted() is None
    assert not sizes.used("a")


@pytest.mark.parametrize(("cols", "rows"), [(1, 24), (1001, 24), (80, 0), (80, 501), (-1, -1)])
def test_impossible_sizes_are_refused(cols: int, rows: int) -> None:
    with pytest.raises(BadRequest, match="is not a size"):
        checked_size(cols, rows)
