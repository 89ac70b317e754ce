"""Who typed which line in a window.

Input says who typed and when Enter was pressed; the line itself is read off the screen, just before
the line feed with which the program goes on to the next one.  So what is kept is what everybody could
see, as it was when it was entered: never a password, and nothing of programs that fill the screen.

Invariant: nothing here costs anything until somebody presses Enter, and then only until the line was found,
or :data:`PATIENCE_LINES` went by without it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from sandbox.guest import compact
from termhub.host.echo import Entered, Rows, shown, squeezed
from termhub.host.keys import END_OF_FILE, Keys, Kind

if TYPE_CHECKING:
    from termhub.screen import Screen

MOST_ENTRIES = 500
TEXT_CHARACTERS = 500
NAME_CHARACTERS = 64
MOST_NAMES = 16
MOST_VIEWERS = 256
MOST_ENTERED = 256
"""Lines that were entered and are not on the screen yet: a long paste's."""

PATIENCE_LINES = 200
"""Lines of output that are looked at for one that was entered."""

PATIENCE_SECONDS = 60.0
_OVERHEAD_BYTES = 32
_RUN_BYTES = 1000
_MOST_RUNS = 64


@frozen
class TypedLine:
    """A line that somebody entered.

    :param offset: of the window's stream, where the line ended.
    :param time: when, Unix time.
    :param who: the names of those who typed it, who began first.
    :param text: the line on the screen, prompt included; at most 500 characters of it.
    :param lines: how many lines were entered at once.
    """

    offset: int
    time: float
    who: tuple[str, ...]
    text: str
    lines: int = 1

    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "offset": self.offset,
            "time": self.time,
            "who": list(self.who),
            "text": self.text,
            "lines": self.lines,
        }

    def event(self) -> dict[str, Any]:
        """As a journal keeps it."""
        return {"type": "typed", "line": self.fields()}

    @classmethod
    def from_fields(cls, fields: object) -> TypedLine | None:
        """What :meth:`fields` gave, as a journal has it; None when it is anything else."""
        if not isinstance(fields, dict):
            return None
        offset, time, who, text, lines = map(fields.get, ("offset", "time", "who", "text", "lines"))
        if (
            isinstance(offset, int)
            and 0 <= offset < 1 << 62
            and isinstance(lines, int)
            and 1 <= lines < 1 << 31
            and isinstance(text, str)
            and (names := _names(who)) is not None
            and isinstance(time, int | float)
            and 0 <= time < 1 << 40
        ):
            return cls(offset, time, tuple(names), text[:TEXT_CHARACTERS], lines)
        return None


def _names(value: object) -> list[str] | None:
    """The names that a journal has; None when it is anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return [name[:NAME_CHARACTERS] for name in value[:MOST_NAMES]]


def _typing(who: list[str], entered: list[str] | None) -> dict[str, Any]:
    """For the journal: who has typed since the last Enter, and who it was that just entered a line."""
    return {"type": "typing", "who": who, **({"entered": entered} if entered else {})}


@define(eq=False)
class _Typist:
    """One viewer's keys, and the next byte of its input that is new."""

    sequence: int
    keys: Keys = field(factory=Keys)


@define(eq=False)
class _Line:
    """What has been typed since the last Enter, by everybody."""

    who: dict[str, None] = field(factory=dict)
    runs: deque[bytearray] = field(factory=lambda: deque([bytearray()], maxlen=_MOST_RUNS))
    lines: int = 1
    is_edited: bool = False

    def take(self, name: str, kind: Kind, key: bytes) -> None:
        """A key, but Enter."""
        run = self.runs[-1]
        if key == END_OF_FILE and not (run or self.is_edited):
            return  # it ends what a program reads, and is no part of a line
        self.take_part(name)
        if kind == "text":
            run += key
            if len(run) > _RUN_BYTES:
                del run[:-_RUN_BYTES]
        elif kind == "break":
            self.runs.append(bytearray())
            self.lines += 1
        elif kind == "rubout" and run:
            while run and run.pop() & 0xC0 == 0x80:
                pass
        else:  # nobody knows what it does
            self.is_edited = True
            run.clear()

    def take_part(self, name: str) -> None:
        """Somebody had a hand in it."""
        if name and name not in self.who and len(self.who) < MOST_NAMES:
            self.who[name] = None

    def entered(self) -> Entered | None:
        """What Enter makes of it; None when nobody did anything."""
        typed = tuple(squeezed(run.decode("utf-8", "ignore")) for run in self.runs)
        if not self.who or not (self.is_edited or any(typed)):
            return None
        return Entered(tuple(self.who), typed, self.is_edited, self.lines)


class Typed:
    """The lines that people typed in one window.

    :param clock: seconds, only differences mean anything.
    :param note: puts an event into the journal.
    """

    def __init__(self, clock: Callable[[], float], note: Callable[[dict[str, Any]], None]) -> None:
        self._clock = clock
        self._note = note
        self._noted: list[str] = []
        self.lines: deque[TypedLine] = deque(maxlen=MOST_ENTRIES)
        self._typists: OrderedDict[int, _Typist] = OrderedDict()
        self._line = _Line()
        self._entered: deque[Entered] = deque()
        self._patience = 0
        self._expires = 0.0
        self._entered_at: float | None = None
        self._runs_command = False
        self._is_typed_ahead = False

    # -- input ---------------------------------------------------------------

    def took(
        self, viewer: int, name: str, sequence: int, data: bytes, screen: Screen, *, is_current: bool
    ) -> None:
        """Input was passed on; what comes again after a break is known already.

        :param name: of the person; empty: nobody knows.
        :param sequence: of the first byte of ``data`` in this viewer's input to the window.
        :param is_current: whether the screen shows all output there is.
        """
        typist = self._typists.get(viewer)
        if typist is None:
            typist = self._typists[viewer] = _Typist(sequence)
            if len(self._typists) > MOST_VIEWERS:
                self._typists.popitem(last=False)
        known = typist.sequence - sequence
        if known < 0 or known >= len(data):
            return  # a hole, which is refused and comes again, or nothing new
        typist.sequence = sequence + len(data)
        if len(self._entered) == MOST_ENTERED:
            self._entered.popleft()  # a paste that is never shown does not hide what comes later
        fills_screen = screen.on_alternate_screen
        entered: list[str] | None = None
        for kind, key in typist.keys.feed(data[known:] if known else data):
            if kind == "enter":
                entered = self._enter(name)
            elif kind == "stop" or fills_screen:
                self._line = _Line()
            else:
                self._line.take(name, kind, key)
        who = list(self._line.who)
        if who != self._noted or entered:
            self._noted = who
            self._note(_typing(who, entered if is_current else None))

    def _enter(self, name: str) -> list[str] | None:
        """A line was entered; by whom, when there was something in it."""
        line, self._line = self._line, _Line()
        line.take_part(name)
        now = self._clock()
        if self._runs_command:
            self._is_typed_ahead = True
        else:
            self._entered_at = now
        entered = line.entered()
        if entered is None or len(self._entered) >= MOST_ENTERED:
            return None
        self._entered.append(entered)
        self._be_patient(now)
        return list(entered.who)

    def _be_patient(self, now: float) -> None:
        self._patience = PATIENCE_LINES
        self._expires = now + PATIENCE_SECONDS

    # -- output --------------------------------------------------------------

    @property
    def is_expecting(self) -> bool:
        """Whether a line was entered that is not found yet: :meth:`line_ends` wants every line feed."""
        return bool(self._entered)

    def line_ends(self, screen: Screen, offset: int, time: float) -> None:
        """The output goes on with a line feed: the line with the cursor may be one that was entered.

        :param offset: of the line feed.
        :param time: Unix time.
        """
        now = self._clock()
        self._patience -= 1
        if self._patience < 0 or now > self._expires:
            self._entered.clear()
            return
        if screen.on_alternate_screen:
            return
        rows = Rows(screen)
        # What can be known by its text goes first; without any it is this line or none.
        by_evidence = sorted(enumerate(self._entered), key=lambda each: not each[1].is_evident)
        for index, entered in by_evidence:
            text = shown(entered, rows)
            if text is not None:
                self._entered = deque(islice(self._entered, index + 1, None))
                self._be_patient(now)
                found = TypedLine(offset, round(time, 3), entered.who, text[:TEXT_CHARACTERS], entered.lines)
                self.lines.append(found)
                self._note(found.event())
                return
        self._entered = deque(entered for entered in self._entered if entered.is_evident)

    def program_changed(self) -> None:
        """Another program runs, or none: what was typed is not for it."""
        self._line = _Line()
        self._entered.clear()
        self._entered_at = None
        self._runs_command = self._is_typed_ahead = False

    def prompted(self, mark: str) -> float | None:
        """A prompt mark passed (OSC 133): seconds since what was entered last was entered.

        While a command is known to run (from C on) what is typed is for after it.
        """
        seconds = None if self._entered_at is None else max(self._clock() - self._entered_at, 0.0)
        if mark == "C":
            self._runs_command = True
        elif mark in ("A", "D"):
            self._runs_command = False
        if mark == "A":
            self._entered_at = self._clock() if self._is_typed_ahead else None
            self._is_typed_ahead = False
        return seconds

    # -- journal and requests ------------------------------------------------

    def events(self, limit_bytes: int) -> list[dict[str, Any]]:
        """What a journal that begins anew has to know: the newest lines that fit, and who is typing."""
        lines = [line.event() for line in self.newest(MOST_ENTRIES, limit_bytes)]
        return [*lines, _typing(self._noted, None)] if self._noted else lines

    def restore(self, event: dict[str, Any]) -> None:
        """An event as a journal has it; what is anything else changes nothing."""
        line = TypedLine.from_fields(event.get("line"))
        if line is not None:
            self.lines.append(line)
            self._entered.clear()
        elif event.get("type") == "typing":
            # What was typed nobody has written down: keys that come now may only be a part of it.
            self._noted = _names(event.get("who")) or []
            self._line = _Line(dict.fromkeys(self._noted), is_edited=bool(self._noted))
            self._entered.clear()
            entered = _names(event.get("entered"))
            if entered:
                self._entered.append(Entered(tuple(entered), is_edited=True))
                self._be_patient(self._clock())

    def newest(self, limit: int, limit_bytes: int) -> list[TypedLine]:
        """The newest lines that fit, oldest first."""
        found: list[TypedLine] = []
        for line in reversed(self.lines):
            limit_bytes -= len(compact.dumps(line.fields())) + _OVERHEAD_BYTES
            if len(found) >= limit or limit_bytes < 0:
                break
            found.append(line)
        return found[::-1]
