"""One call that several readers share, as a state machine: no task, no clock, no waiting.

                 publish                       finish ─► FINISHED
    RUNNING ──────────────► RUNNING ──────────► fail  ─► FAILED
       │
       └── the last reader detaches ─► ABANDONED

All readers are equal, and each has its own position in one bounded buffer. The producer may be `ahead` bytes in front
of the fastest reader, and waits there. The buffer holds `capacity` bytes: pieces that do not fit any more leave at its
front, and a reader that had not read them yet loses its place. The fastest reader never does.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class BufferLimits(msgspec.Struct, frozen=True, gc=False):
    """How much of a call is held for its readers, in bytes as its pieces are weighed. `ahead` is below `capacity`."""

    capacity: int = 4 * 1024 * 1024
    ahead: int = 256 * 1024


class CallState(Enum):
    """Whether a call goes on, and how it ended."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ABANDONED = "abandoned"


_RUNNING, _FINISHED, _FAILED, _ABANDONED = CallState


class Signal(Enum):
    """What `SharedCall.read` returns in place of a piece."""

    NOTHING_YET = "nothing yet"
    END = "end"


_NOTHING_YET, _END = Signal
# A member of an enum costs five times as much to find as a name of the module.


class ReaderBehind(Exception):
    """This reader lost its place: it read more slowly than the buffer is large."""


class Position:
    """Where one reader is: the number of pieces that it has read, and what they weigh together."""

    __slots__ = ("attached", "pieces", "weight")

    def __init__(self) -> None:
        self.attached = True
        self.pieces = 0
        self.weight = 0


class SharedCall(Generic[T]):
    """The pieces of one call, and how far each of its readers is."""

    __slots__ = (
        "_ahead", "_capacity", "_dropped", "_dropped_weight", "_error", "_fastest", "_pieces", "_positions",
        "_published", "state",
    )  # fmt: skip

    def __init__(self, limits: BufferLimits) -> None:
        self._capacity, self._ahead = limits.capacity, limits.ahead
        self._pieces: deque[tuple[T, int]] = deque()
        self._positions: list[Position] = []
        self._published = 0  # the weight of all pieces so far
        self._dropped = 0  # how many pieces have left the buffer
        self._dropped_weight = 0
        self._fastest: Position | None = None  # one of the readers that are furthest: asked for at each piece
        self._error: BaseException | None = None
        self.state = _RUNNING

    # --- readers ---

    @property
    def readers(self) -> int:
        """How many readers still have a place."""
        return len(self._positions)

    @property
    def joinable(self) -> bool:
        """Whether a new reader would still get every piece, and has no failure of the past to share."""
        return self._dropped == 0 and self.state in (_RUNNING, _FINISHED)

    def attach(self) -> Position:
        """A new reader's place, before the first piece. Raises ValueError if the call is not `joinable`."""
        if not self.joinable:
            raise ValueError(f"a call that is {self.state.value} and has lost {self._dropped} pieces")
        position = Position()
        self._positions.append(position)
        self._fastest = self._fastest or position
        return position

    def detach(self, position: Position) -> None:
        """Gives up a reader's place, which may be done twice. The last one to go abandons a call that is running."""
        if position.attached:
            position.attached = False
            self._positions.remove(position)
            if position is self._fastest:
                self._fastest = max(self._positions, key=lambda one: one.pieces, default=None)
        if not self._positions and self.state is _RUNNING:
            self.state = _ABANDONED

    def read(self, position: Position) -> T | Signal:
        """Returns the next piece for the reader at `position`, `NOTHING_YET` or `END`.

        Raises:
            ReaderBehind: the piece has left the buffer.
            BaseException: what the call failed with, after its last piece.
        """
        if not position.attached:
            raise ReaderBehind
        index = position.pieces - self._dropped
        if index < len(self._pieces):
            piece, weight = self._pieces[index]
            position.pieces += 1
            position.weight += weight
            if position is not self._fastest and position.pieces > self._furthest():
                self._fastest = position
            return piece
        if self._error is not None:
            raise self._error
        return _NOTHING_YET if self.state is _RUNNING else _END

    # --- the producer ---

    @property
    def has_room(self) -> bool:
        """Whether the producer may go on: it is not too far in front of the fastest reader."""
        fastest = self._fastest
        return self._published - (fastest.weight if fastest is not None else 0) < self._ahead

    def publish(self, piece: T, weight: int) -> bool:
        """Adds a piece, and returns whether there is room for another. It is ignored once the call has ended."""
        if self.state is not _RUNNING:
            return True
        self._pieces.append((piece, weight))
        self._published += weight
        # One piece is always held, however heavy it is: the fastest reader has yet to read it.
        while self._published - self._dropped_weight > self._capacity and self._dropped < self._furthest():
            self._drop_first()
        fastest = self._fastest
        return self._published - (fastest.weight if fastest is not None else 0) < self._ahead

    def finish(self) -> None:
        """The call is complete."""
        if self.state is _RUNNING:
            self.state = _FINISHED

    def fail(self, error: BaseException) -> None:
        """The call broke; readers are told after the pieces that came before."""
        if self.state is _RUNNING:
            self.state, self._error = _FAILED, error

    def _furthest(self) -> int:
        return self._fastest.pieces if self._fastest is not None else 0

    def _drop_first(self) -> None:
        _, weight = self._pieces.popleft()
        self._dropped += 1
        self._dropped_weight += weight
        # A loop over all readers costs nothing here: pieces leave only when readers are far behind one another.
        for position in [one for one in self._positions if one.pieces < self._dropped]:
            position.attached = False
            self._positions.remove(position)
