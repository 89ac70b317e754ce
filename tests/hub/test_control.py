"""Who may type: the rules, and that they hold whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.errors import BadRequest, NotAllowed, TermhubError, TooMany
from termhub.hub.control import MAX_WAITING, Control
from termhub.store import Role


@pytest.fixture
def told() -> list[str | None]:
    """Who held control at each change."""
    return []


@pytest.fixture
def control(told: list[str | None]) -> Control:
    control: Control = Control(lambda: told.append(control.holder))
    return control


@pytest.mark.parametrize(
    ("mode", "holder", "role", "may"),
    [
        ("anyone", None, "observer", False),
        ("anyone", None, "writer", True),
        ("anyone", None, "owner", True),
        ("owner", None, "observer", False),
        ("owner", None, "writer", False),
        ("owner", None, "owner", True),
        ("one", "me", "observer", False),
        ("one", "me", "writer", True),
        ("one", "other", "writer", False),
        ("one", "other", "owner", False),
        ("one", None, "observer", False),
        ("one", None, "writer", True),
    ],
)
def test_who_may_type(control: Control, mode: Any, holder: str | None, role: Role, may: bool) -> None:
    control.mode, control.holder = mode, holder
    assert control.may_type("me", role) is may


def test_who_sets_one_at_a_time_holds_it(control: Control) -> None:
    control.set_mode("one", "ann")
    assert control.holder == "ann"
    control.set_mode("one", "bob")
    assert control.holder == "ann"
    control.set_mode("anyone", "bob")
    assert control.holder is None


def test_who_asks_waits_until_it_is_given_on(control: Control) -> None:
    control.set_mode("one", "ann")
    assert not control.ask("bob", "writer")
    assert not control.ask("cleo", "owner")
    assert not control.ask("bob", "writer")
    assert control.waiting == ["bob", "cleo"]
    control.give("ann", "writer", "cleo")
    assert (control.holder, control.waiting) == ("cleo", ["bob"])
    control.give("cleo", "writer", None)
    assert (control.holder, control.waiting) == ("bob", [])
    control.give("bob", "writer", None)
    assert control.is_free


def test_what_is_free_is_had_by_who_asks_or_types_next(control: Control) -> None:
    control.set_mode("one", "ann")
    control.give("ann", "writer", None)
    assert control.ask("bob", "writer")
    assert control.holder == "bob"
    control.left("bob")
    control.typed("cleo")
    assert control.holder == "cleo"


def test_a_holder_that_leaves_loses_it_to_who_waits(control: Control) -> None:
    control.set_mode("one", "ann")
    control.ask("bob", "writer")
    control.left("ann")
    control.came("ann")
    assert control.holder == "bob"


def test_a_holder_that_comes_back_while_it_is_free_has_it_again(control: Control) -> None:
    control.set_mode("one", "ann")
    control.left("ann")
    control.came("bob")
    assert control.is_free
    control.came("ann")
    assert control.holder == "ann"


def test_who_let_go_does_not_get_it_back_by_coming_again(control: Control) -> None:
    control.set_mode("one", "ann")
    control.give("ann", "writer", None)
    control.left("ann")
    control.came("ann")
    assert control.is_free


def test_only_the_holder_and_owners_give(control: Control) -> None:
    control.set_mode("one", "ann")
    with pytest.raises(NotAllowed):
        control.give("bob", "writer", "bob")
    control.give("cleo", "owner", "cleo")
    assert control.holder == "cleo"


def test_there_is_nothing_to_give_when_anyone_types(control: Control) -> None:
    with pytest.raises(BadRequest):
        control.give("ann", "owner", "bob")


def test_asking_when_only_owners_type_is_of_no_use(control: Control) -> None:
    control.set_mode("owner", "ann")
    with pytest.raises(NotAllowed):
        control.ask("bob", "writer")
    assert control.ask("ann", "owner")


def test_asking_when_anyone_types_changes_nothing(control: Control, told: list[str | None]) -> None:
    assert control.ask("bob", "writer")
    assert (told, control.waiting) == ([], [])


def test_who_waits_is_bounded(control: Control) -> None:
    control.set_mode("one", "ann")
    for number in range(MAX_WAITING):
        control.ask(f"person {number}", "writer")
    with pytest.raises(TooMany):
        control.ask("one more", "writer")


PEOPLE = st.sampled_from(["ann", "bob", "cleo"])
ROLES = st.sampled_from(["observer", "writer", "owner"])
STEPS = st.one_of(
    st.tuples(st.just("set_mode"), st.sampled_from(["anyone", "one", "owner"]), PEOPLE),
    st.tuples(st.just("ask"), PEOPLE, ROLES),
    st.tuples(st.just("typed"), PEOPLE),
    st.tuples(st.just("give"), PEOPLE, ROLES, st.none() | PEOPLE),
    st.tuples(st.just("came"), PEOPLE),
    st.tuples(st.just("left"), PEOPLE),
)


@given(st.lists(STEPS, max_size=40))
def test_rules_hold_whatever_happens(steps: list[tuple[Any, ...]]) -> None:
    changes: list[tuple[Any, ...]] = []

    def state() -> tuple[Any, ...]:
        return control.mode, control.holder, tuple(control.waiting)

    control = Control(lambda: changes.append(state()))
    last = state()
    for name, *arguments in steps:
        try:
            getattr(control, name)(*arguments)
        except TermhubError:
            assert state() == last
        mode, holder, waiting = state()
        assert mode == "one" or (holder is None and not waiting)
        assert not (control.is_free and waiting)
        assert holder not in waiting
        assert len(set(waiting)) == len(waiting)
        if state() != last:
            assert changes[-1] == state(), "whoever is told hears of the last state"
        last = state()
