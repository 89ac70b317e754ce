"""A program in the user's sandbox for files, on the bytes of a session channel.

sftp, scp and rsync are spoken by the client and by their programs in the sandbox; nothing here
looks into what they say.  Invariant: the client's window opens only as the program takes what
came, and the program goes on only as the client takes what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TermhubError
from termhub.hub.streams import Stream
from termhub.store import User

from .channel import Channel
from .job import BROKEN

WINDOW_BYTES = 1 << 20
"""What a client may have under way: enough for 20 MB/s over a path of 50 ms."""

_log = Logger()


class RelayJob:
    """One program of one session.

    :param run: starts the program and says its stream; raises TermhubError.
    :param program: its name, for the log.
    """

    def __init__(
        self,
        run: Callable[[RelayJob], Coroutine[Any, Any, Stream]],
        program: str,
        user: User,
        channel: Channel,
    ) -> None:
        self._run = run
        self._program = program
        self._user = user
        self._channel = channel
        self._stream: Stream | None = None
        self._starting: Deferred[Stream] | None = None
        self._to_program = b""  # what there was no room for; the channel is paused then
        self._has_input_ended = False
        self._unpassed = 0  # bytes of the program's that the client has not taken

    # -- a session's job -----------------------------------------------------------------

    def begin(self) -> None:
        """Start the program."""
        self._channel.enlarge_window(WINDOW_BYTES)
        starting = self._starting = Deferred.fromCoroutine(self._run(self))
        starting.addCallbacks(self._started, self._refused)

    def receive(self, data: bytes) -> None:
        """Pass on what the client sent, as far as there is room."""
        if self._stream is None:
            return  # it is over, and the client has yet to hear of it
        data = self._to_program + data
        room = self._stream.room
        self._stream.write(data[:room])
        self._to_program = data[room:]
        if self._to_program:
            self._channel.pause()

    def ended_input(self) -> None:
        """Close the program's input, behind what waits for room."""
        self._has_input_ended = True
        if self._stream is not None and not self._to_program:
            self._stream.end()

    def drained(self) -> None:
        """Let the program go on, if the client takes more."""
        if self._unpassed and self._channel.is_writable and self._stream is not None:
            count, self._unpassed = self._unpassed, 0
            self._stream.consumed(count)

    def resized(self, cols: int, rows: int) -> None:
        """There is no terminal."""

    def signal(self, name: str) -> bool:
        """A program on pipes gets none."""
        return False

    def end(self, reason: str) -> None:
        """Say why; the program is given up with the channel."""
        self._say(reason)

    def lost(self) -> None:
        """The client has gone."""
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _started(self, stream: Stream) -> None:
        if self._starting is None:  # the client did not wait
            stream.close()
            return
        self._starting = None
        self._stream = stream
        self._channel.resume()

    def _refused(self, failure: Failure) -> None:
        self._starting = None
        if failure.check(CancelledError):
            return
        if isinstance(failure.value, TermhubError):
            self._say(failure.value.message)
        else:
            _log.failure("{program} for {user} failed", failure, program=self._program, user=self._user.name)
            self._say("The hub failed because of a defect; its log says more.")
        self._channel.exit(BROKEN)

    def _say(self, text: str) -> None:
        self._channel.write(f"termhub: {text}\n".encode("utf-8", "replace"), to_stderr=True)

    # -- the stream's owner ----------------------------------------------------------------

    def stream_data(self, data: bytes) -> None:
        """What the program wrote; empty: nothing more comes."""
        self._channel.write(data)
        self._unpassed += len(data)
        self.drained()

    def stream_drained(self) -> None:
        """There is more room for the program's input."""
        if self._to_program:
            data, self._to_program = self._to_program, b""
            self.receive(data)
        if not self._to_program and self._stream is not None:
            if self._has_input_ended:
                self._stream.end()
            else:
                self._channel.resume()

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        """The program is over."""
        self._stream = None
        if status is None:
            self._say("The sandbox for files was ended.")
            self._channel.exit(BROKEN)
            return
        said = status.get("said")
        if said:
            self._channel.write(str(said).encode("utf-8", "replace"), to_stderr=True)
        signal = status.get("signal")
        if isinstance(signal, str):
            self._channel.exit_signal(signal.removeprefix("SIG"))
        else:
            self._channel.exit(int(status.get("code") or 0))
