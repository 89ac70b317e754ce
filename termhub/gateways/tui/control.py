"""Whose keys count: the console's control, as its hub tells.

Pure values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from termhub.gateways.tui.people import NAME_CHARACTERS, short
from termhub.gateways.tui.text import told

MODES = ("anyone", "one", "owner")
MODE_WORDS: Mapping[str, str] = {
    "anyone": "anyone may type",
    "one": "one at a time types",
    "owner": "only owners type",
}


class Control(NamedTuple):
    """Who may type.

    :param holder: the person who has control, ``name`` how they are called; None: nobody.
    :param waiting: who asks for it, the first one first: person and name.
    """

    mode: str = "anyone"
    holder: str | None = None
    name: str = ""
    waiting: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, told_of: Mapping[str, Any]) -> Control:
        """From a HELLO or an event."""
        return cls(
            str(told_of.get("mode")),
            told_of.get("holder"),
            told(str(told_of.get("name") or ""), NAME_CHARACTERS),
            tuple(
                (str(each["person"]), told(str(each["name"]), NAME_CHARACTERS))
                for each in told_of.get("waiting") or ()
            ),
        )

    def lets(self, person: str, role: str) -> bool:
        """Whether somebody's keys count now."""
        if role == "observer":
            return False
        if self.mode == "owner":
            return role == "owner"
        return self.mode == "anyone" or self.holder in (None, person)

    def brief(self, you: str, role: str) -> str:
        """For the status line; empty where everybody may type."""
        if self.mode == "anyone":
            return ""
        if self.mode == "owner":
            return "owners type"
        if self.holder is None:
            return "control: free"
        words = "control: you" if self.holder == you else f"control: {short(self.name)}"
        if self.waiting and (self.holder == you or role == "owner"):
            words += f", {short(self.waiting[0][1])} asks"
        return words

    def refusal(self, ask_keys: str) -> str:
        """Why keys did nothing, and what can be done.

        :param ask_keys: what is typed to ask for control; empty where there is no key.
        """
        if self.mode == "owner":
            return "Only owners may type here now."
        if self.holder is None:
            return "What you typed was not taken: somebody else had control. It is free now."
        how = f" {ask_keys} asks for it." if ask_keys else ""
        return f"{short(self.name)} has control; typing does nothing.{how}"
