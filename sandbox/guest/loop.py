"""A small event loop: file descriptors, timers and signals in one thread.

Agent, host and launcher share it, so that each hop between a key and the screen is
lean.  It sits directly on epoll, which every kernel and sandbox we run on has.
Standard library only (Python 3.8 and later).

Invariant: callbacks run one at a time, in the thread of :meth:`Loop.run`.  A callback
may be called once more than its descriptor is ready (after another callback of the
same turn closed or drained it), so readers and writers expect ``BlockingIOError``.
"""

from __future__ import annotations

import heapq
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # what these bring along would delay the start of an agent
    import signal
    from collections import deque
    from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

    Callback = Callable[[], None]
else:
    import _signal as signal
    from _collections import deque

_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
_WRITABLE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR
_MOST_EVENTS = 64


class Timer:
    """A call that :meth:`Loop.call_later` has put off."""

    __slots__ = ("arguments", "callback", "number", "when")

    def __init__(self, when: float, number: int, callback: Callable[..., None], arguments: Tuple[Any, ...]):
        self.when = when
        self.number = number
        self.callback: Optional[Callable[..., None]] = callback
        self.arguments = arguments

    def cancel(self) -> None:
        """Do not call; harmless when it has been called or cancelled."""
        self.callback = None
        self.arguments = ()

    @property
    def is_active(self) -> bool:
        """Whether the call is still to come."""
        return self.callback is not None

    def __lt__(self, other: Timer) -> bool:
        return (self.when, self.number) < (other.when, other.number)


class Loop:
    """Calls back when descriptors are ready, timers are due or signals arrive.

    An exception in a callback ends :meth:`run` and reaches its caller.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: Dict[int, Callback] = {}
        self._writers: Dict[int, Callback] = {}
        self._masks: Dict[int, int] = {}
        self._timers: List[Timer] = []
        self._count = 0
        self._soon: Deque[Tuple[Callable[..., None], Tuple[Any, ...]]] = deque()
        self._running = False
        self._wakeup: Optional[Tuple[int, int]] = None
        self._signals: Dict[int, Tuple[Callback, Any]] = {}
        self.now = time.monotonic
        """The loop's clock in seconds; only differences mean anything."""

    # -- descriptors ---------------------------------------------------------

    def reader(self, fd: int, callback: Optional[Callback]) -> None:
        """Call ``callback`` whenever ``fd`` can be read or has hung up; None: no more."""
        self._watch(self._readers, fd, callback)

    def writer(self, fd: int, callback: Optional[Callback]) -> None:
        """Call ``callback`` whenever ``fd`` can be written or has hung up; None: no more."""
        self._watch(self._writers, fd, callback)

    def forget(self, fd: int) -> None:
        """Watch ``fd`` no more; call it before closing the descriptor."""
        self._readers.pop(fd, None)
        self._writers.pop(fd, None)
        self._update(fd)

    def _watch(self, table: Dict[int, Callback], fd: int, callback: Optional[Callback]) -> None:
        if callback is None:
            if table.pop(fd, None) is not None:
                self._update(fd)
        else:
            known = table.get(fd)
            table[fd] = callback
            if known != callback:  # also when the number stands for another descriptor by now
                self._update(fd)

    def _update(self, fd: int) -> None:
        mask = (select.EPOLLIN if fd in self._readers else 0) | (
            select.EPOLLOUT if fd in self._writers else 0
        )
        before = self._masks.get(fd, 0)
        if not mask:
            if before:
                del self._masks[fd]
                try:
                    self._epoll.unregister(fd)
                except (OSError, ValueError):
                    pass  # closed already, so epoll has forgotten it
            return
        if before:
            try:
                self._epoll.modify(fd, mask)
            except FileNotFoundError:  # closed, and its number is in use again
                self._epoll.register(fd, mask)
        else:
            self._epoll.register(fd, mask)
        self._masks[fd] = mask

    # -- time ----------------------------------------------------------------

    def call_later(self, seconds: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Call after ``seconds`` (0 or more)."""
        self._count += 1
        timer = Timer(self.now() + seconds, self._count, callback, arguments)
        heapq.heappush(self._timers, timer)
        return timer

    def call_soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call in the next turn, before the descriptors are looked at again."""
        self._soon.append((callback, arguments))

    # -- signals -------------------------------------------------------------

    def signal(self, number: int, callback: Optional[Callback]) -> None:
        """Call ``callback`` in the loop after signal ``number`` arrived; None: as before.

        Several arrivals may be told once.  Only from the main thread.
        """
        if callback is None:
            if number in self._signals:
                signal.signal(number, self._signals.pop(number)[1])
            return
        if self._wakeup is None:
            self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
            self.reader(self._wakeup[0], self._signalled)
        before = self._signals[number][1] if number in self._signals else signal.getsignal(number)
        self._signals[number] = (callback, before)
        signal.signal(number, _nothing)

    def _signalled(self) -> None:
        assert self._wakeup is not None
        try:
            numbers = set(os.read(self._wakeup[0], 4096))
        except BlockingIOError:
            return
        for number in sorted(numbers):
            if number in self._signals:
                self._signals[number][0]()

    # -- running -------------------------------------------------------------

    def run(self) -> None:
        """Serve until :meth:`stop`."""
        self._running = True
        while self._running:
            self.turn()

    def stop(self) -> None:
        """End :meth:`run` after the present turn."""
        self._running = False

    def turn(self, most_seconds: Optional[float] = None) -> None:
        """One wait and the callbacks it brings; :param most_seconds: longest wait, None: any."""
        timeout = most_seconds
        timers = self._timers
        while timers and timers[0].callback is None:  # cancelled: nothing to wake up for
            heapq.heappop(timers)
        if self._soon:
            timeout = 0
        elif timers:
            due = max(timers[0].when - self.now(), 0)
            timeout = due if timeout is None else min(due, timeout)
        readers, writers = self._readers, self._writers
        for fd, mask in self._epoll.poll(timeout, _MOST_EVENTS):
            if mask & _READABLE:
                callback = readers.get(fd)
                if callback is not None:
                    callback()
            if mask & _WRITABLE:
                callback = writers.get(fd)
                if callback is not None:
                    callback()
        if timers:
            self._run_timers()
        if self._soon:
            for _ in range(len(self._soon)):
                later, arguments = self._soon.popleft()
                later(*arguments)

    def _run_timers(self) -> None:
        timers, now = self._timers, self.now()
        while timers and (timers[0].when <= now or timers[0].callback is None):
            timer = heapq.heappop(timers)
            callback, arguments = timer.callback, timer.arguments
            timer.cancel()
            if callback is not None:
                callback(*arguments)

    def close(self) -> None:
        """Give back the descriptors and signal handlers of the loop itself.

        A forked child calls it before it makes its own loop.
        """
        for number in list(self._signals):
            self.signal(number, None)
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            for fd in self._wakeup:
                os.close(fd)
            self._wakeup = None
        self._readers.clear()
        self._writers.clear()
        self._masks.clear()
        self._timers.clear()
        self._soon.clear()
        self._epoll.close()


def _nothing(number: int, frame: Any) -> None:
    """A handler, so that the signal wakes the loop through its pipe."""
