"""Drafts as they are typed: what an interpreter makes of them is what Python makes of the text."""

from __future__ import annotations

import code
import contextlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.hub.clean_text import clean_text
from termhub.hub.draft_text import as_lines, as_paste


def lines_of(text: str) -> list[str]:
    keys = as_lines(clean_text(text)).decode()
    assert keys.endswith("\r")
    return keys[:-1].split("\r")


def interpreted(text: str) -> tuple[dict[str, Any], str]:
    """The names an interpreter has after the lines were typed, and what it complained of."""
    interpreter = code.InteractiveConsole({})
    complaints = io.StringIO()
    is_open = False
    with contextlib.redirect_stderr(complaints), contextlib.redirect_stdout(io.StringIO()):
        for line in lines_of(text):
            is_open = interpreter.push(line)
    assert not is_open, "it waits for more"
    found = {name: value for name, value in interpreter.locals.items() if isinstance(value, int | str | list)}
    return found, complaints.getvalue()


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(text, names)
    return {name: value for name, value in names.items() if isinstance(value, int | str | list)}


BLANK_LINES = """
total = 0

def double(n):

    # what it does

    return n * 2

for n in range(3):
    total += double(n)

    if n == 1:

        total += 10
    else:
        total += 1

last = n
"""


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "x = 1\ny = 2\n\n\nz = 3\n",
        BLANK_LINES,
        "try:\n    x = 1 / 0\nexcept ZeroDivisionError:\n    x = 'caught'\nfinally:\n    y = 1\nz = 2",
        "if 1: x = 1\nelse: x = 2\ny = 3",
        "x = '''one\n\ntwo\n    three'''\ny = 1",
        'def f():\n    """Says\n\n    it.\n    """\n    return 1\nx = f()',
        "x = [\n    1,\n\n    2,\n]\ny = (1 +\n\n2)",
        "x = 1 + \\\n    2\ny = 3",
        "class A:\n    x = 1\n\n    def f(self):\n        return self.x\n\ny = A().f()",
        "def f(g):\n    return g\n\n@f\ndef h():\n    return 4\nx = h()",
        "for n in range(2):\n\tx = n\n\n\ty = n\nz = 1",
        "x = '# no comment \"'  # \" a comment (\ny = \"it's\"\nz = 'a\\'b'",
        "while True: break\nx = 1",
        "if 1:\n    x = 1\n# said at the left\n    y = 2\nz = 3",
        "x = {'(': ')'}\nfor k in x:\n    y = k\nz = 1",
        "with open('/dev/null') as f:\n    x = 1",
        "match 5:\n    case 5:\n        x = 1\n\n    case _:\n        x = 2\ny = 3",
    ],
)
def test_lines_mean_what_the_text_means(text: str) -> None:
    assert interpreted(text) == (run(text), "")


STATEMENTS = st.sampled_from(
    [
        "a = 1",
        "a = a + 1 if 'a' in dir() else 0",
        "b = [1,\n\n 2]",
        'c = """x\n\n  y"""',
        "d = '#('  # (",
        "# only words: if",
        "if 1: e = 1",
        "if 1:\n    e = 2\n\n    e = 3",
        "for n in range(2):\n    e = n\n\nelse:\n    e = 9",
        "def f():\n\n    g = 1\n    if g:\n        return 5\n\n    return 6\n",
        "@staticmethod\ndef h(): pass",
        "i = 1 + \\\n2",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    j = 1",
        "",
        "   ",
    ]
)


@given(st.lists(STATEMENTS, min_size=1, max_size=8))
def test_any_statements_in_a_row_mean_the_same(statements: list[str]) -> None:
    text = "\n".join(statements) + "\nz = 1"
    assert interpreted(text) == (run(text), "")


@given(st.text(max_size=300))
def test_any_text_becomes_keys(text: str) -> None:
    clean = clean_text(text)
    keys = as_paste(clean)
    assert keys.startswith(b"\x1b[200~")
    assert keys.endswith(b"\x1b[201~\r")
    assert b"\x1b" not in keys[6:-7]
    assert not any(byte < 32 and byte not in b"\r\t" for byte in keys[6:-7])
    assert not any(byte < 32 and byte != 13 for byte in as_lines(clean))


def test_a_paste_is_one_and_ends_with_enter() -> None:
    assert as_paste("x = 1\n") == b"\x1b[200~x = 1\x1b[201~\r"
    assert as_paste("if x:\n    y\n\n") == b"\x1b[200~if x:\r    y\r\x1b[201~\r"


def test_nothing_in_a_text_ends_the_paste() -> None:
    assert as_paste(clean_text("a\x1b[201~rm\rb\x9b201~c")) == b"\x1b[200~a[201~rm\rb201~c\r\x1b[201~\r"
