"""Requests made up from the OpenAPI document, valid ones and others: every answer is as it says.

The consoles only remember what they were asked; accounts, shares, the store and HTTP are real.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread

from termhub.gateways.web.site import OPERATIONS
from tests.support.folders import temporary_folder
from tests.support.web import WebTestCase

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SEED = 20_261
EXAMPLES = 3
"""Made up for each operation, besides those that cover each keyword of its schemas."""

ENDING = (
    "revoke_token",
    "revoke_sessions",
    "revoke_session",
    "change_password",
    "remove_account",
    "delete_console",
)
"""These could end what the others need; they are tried by somebody else."""

FREE_TEXT = (
    "log_in",
    "add_key",
    "take_share",
    "change_password",
    "create_share",
    "remove_account",
    "add_user",
    "change_user",
    "remove_user",
)
"""What fits their types is often no password, key or token, which no schema can say."""

ALWAYS_REFUSED = ("log_in", "log_in_as_guest")
"""Nobody guesses a password, and visitors are not let in here."""

CONFIG = """
[parameters]
"path.console" = {console!r}
"path.window" = 0
"path.user" = "carol"
"query.wait" = 0

[warnings]
fail-on = ["missing_auth"]

[checks.negative_data_rejection]
expected-statuses = ["4xx"]

[[operations]]
include-operation-id = "make_login_link"
parameters = {{ "path.user" = "bob" }}

[[operations]]
include-operation-id = {free_text}
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = {always_refused}
warnings = false
"""


class SchemathesisTests(WebTestCase):
    timeout = 240

    async def run_as(self, token: str, console: str, operations: list[str]) -> None:
        """Try operations as somebody, with this console in their paths."""
        config = temporary_folder(self) / "schemathesis.toml"
        config.write_text(
            CONFIG.format(console=console, free_text=list(FREE_TEXT), always_refused=list(ALWAYS_REFUSED))
        )
        command = [
            *(str(SCHEMATHESIS), "--config-file", str(config), "run"),
            f"http://127.0.0.1:{self.address}/api/v1/openapi.json",
            *("--header", f"Authorization: Bearer {token}", "--continue-on-failure"),
            *("--seed", str(SEED), "--max-examples", str(EXAMPLES), "--no-shrink"),
            *("--suppress-health-check", "all"),
            *(part for name in operations for part in ("--include-operation-id", name)),
        ]

        def run() -> tuple[int, str]:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=200, check=False, cwd=config.parent
            )
            return ran.returncode, ran.stdout + ran.stderr

        status, said = await deferToThread(run)
        self.assertEqual(status, 0, said)

    async def test_every_answer_is_as_described(self) -> None:
        """Of what does no harm to who asks; of the rest; and of what administrators do."""
        ending = [operation.name for operation in OPERATIONS if operation.name in ENDING]
        admins = [operation.name for operation in OPERATIONS if operation.access == "admin"]
        usual = [operation.name for operation in OPERATIONS if operation.name not in (*ending, *admins)]
        self.console("main")
        await self.run_as(self.token, "main", usual)
        self.console("theirs", self.bob)
        await self.run_as(self.bobs_token, "theirs", ending)
        self.database.add_user("carol", 1.0, "free", "carol's password")
        self.database.people.change(self.alice.number, 1.0, is_admin=True)
        await self.run_as(self.token, "main", admins)
