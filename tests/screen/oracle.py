"""xterm.js as the judge of our screens: one Node process, asked over its standard input and output."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from termhub.screen.widths import TABLE

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "client"
ANSWER_SECONDS = 60

Step = bytes | tuple[int, int] | None
"""Output, a new size, or None for the CAN and RIS that go before a keyframe."""


class XTerm:
    """Runs streams through ``@xterm/headless`` with our widths."""

    def __init__(self) -> None:
        # make test puts Node here where the machine has none.
        node = shutil.which("node") or shutil.which("node", path=str(Path(sys.prefix) / "node/bin"))
        module = Path(os.environ.get("TERMHUB_XTERM_HEADLESS", CLIENT / "node_modules/@xterm/headless"))
        assert node, "needs Node: run `make client`"
        assert module.exists(), "needs client/node_modules: run `make client`"
        self._process = subprocess.Popen(
            [node, str(HERE / "xterm_oracle.mjs"), str(module), str(TABLE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def state(self, cols: int, rows: int, steps: Iterable[Step]) -> dict[str, Any]:
        """The state after these steps on a fresh terminal."""
        request = {"cols": cols, "rows": rows, "steps": [_encoded(step) for step in steps]}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode("ascii") + b"\n")
        stdin.flush()
        assert select.select([stdout], [], [], ANSWER_SECONDS)[0], "xterm.js hangs"
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def _encoded(step: Step) -> dict[str, object]:
    if step is None:
        return {"reset": True}
    if isinstance(step, bytes):
        return {"data": base64.b64encode(step).decode("ascii")}
    return {"resize": list(step)}


def text(state: dict[str, Any]) -> list[str]:
    """The screen's lines, as :meth:`Screen.text` gives them."""
    return ["".join(run[0] for run in line).rstrip() for line in state["screen"]]


def differences(one: dict[str, Any], other: dict[str, Any], ignored: Sequence[str] = ()) -> dict[str, Any]:
    """Where two states differ: by field; of the screen, the first row that does."""
    found: dict[str, Any] = {}
    for key in one:
        if key in ignored or one[key] == other[key]:
            continue
        if isinstance(one[key], list) and len(one[key]) == len(other[key]):
            pairs = zip(one[key], other[key], strict=True)
            found[key] = next((y, a, b) for y, (a, b) in enumerate(pairs) if a != b)
        else:
            found[key] = (one[key], other[key])
    return found
