"""JSON without the json module says the same as json."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import compact

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(values)
def test_writes_and_reads_what_json_does(value):
    assert compact.dumps(value) == json.dumps(value, separators=(",", ":"))
    assert compact.loads(json.dumps(value, indent=2)) == value


@given(st.text(alphabet='{}[]",:0129.eE+-ntf\\u \n'))
def test_refuses_what_json_refuses(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            compact.loads(text)
    else:
        assert compact.loads(text) == expected


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}'])
def test_refuses_numbers_that_are_not_finite(text):
    with pytest.raises(ValueError, match="finite"):
        compact.loads(text)
    with pytest.raises(ValueError):  # noqa: PT011
        compact.dumps([float("nan")])


def test_refuses_what_json_does_not_have():
    with pytest.raises(TypeError, match="set"):
        compact.dumps({"a": {1}})


def test_a_deep_nest_is_an_error():
    with pytest.raises((RecursionError, ValueError)):
        compact.loads("[" * 200_000)


def test_does_not_load_json():
    code = (
        "import sys; sys.path.append('.'); from sandbox.guest import compact;"
        "compact.loads(compact.dumps({'a': [1, 'x']})); print('json' in sys.modules, 'enum' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
