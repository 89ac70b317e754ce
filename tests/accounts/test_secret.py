import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.accounts.secret import GUEST, LINK, SESSION, SHARE, TOKEN, new_secret, without_secrets


@pytest.mark.parametrize("prefix", [TOKEN, SESSION, LINK, SHARE, GUEST])
def test_a_secret_is_left_out_of_what_is_logged(prefix: str) -> None:
    secret = new_secret(prefix)
    for text in (
        secret,
        f"/s/{secret}",
        f"a {secret}/b?c={secret}",
        secret.upper().replace(prefix.upper(), prefix),
    ):
        told = without_secrets(text)
        assert secret[len(prefix) :] not in told.lower()
        assert prefix in told


@given(st.text())
def test_what_has_no_secret_stays(text: str) -> None:
    assert without_secrets(without_secrets(text)) == without_secrets(text)
    if "th" not in text:
        assert without_secrets(text) == text
