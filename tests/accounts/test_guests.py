import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from termhub.accounts.guests import MAX_NAME, NAMELESS, guest_name


@given(st.text(max_size=300))
def test_any_text_gives_a_name_that_can_be_shown(text: str) -> None:
    name = guest_name(text)
    assert 1 <= len(name) <= MAX_NAME
    assert name == name.strip()
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in name)
    assert guest_name(name) == name
    name.encode()  # no lone surrogate


def test_names_are_as_people_say_them() -> None:
    assert guest_name("Ann") == "Ann"
    assert guest_name("  Ann \n Lee\t") == "Ann Lee"
    assert guest_name("Zoë 张伟 🙂") == "Zoë 张伟 🙂"
    assert guest_name("") == guest_name(" \x00\u202e") == NAMELESS
    assert guest_name("a\x1b[31mb") == "a[31mb"
    assert guest_name("al\u202eice\u200b") == "alice"
    assert guest_name("x" * 100) == "x" * MAX_NAME


def test_what_cannot_be_seen_makes_no_other_name() -> None:
    for unseen in "\u034f\u115f\u1160\u2800\u3164\ufe0f\uffa0\U000e0100\u00ad\u200b\u2063":
        assert guest_name(f"al{unseen}ice{unseen}") == "alice"
        assert guest_name(unseen * 3) == NAMELESS


def test_marks_do_not_pile_up() -> None:
    assert guest_name("q" + "\u0323" * 50) == "q\u0323\u0323"
