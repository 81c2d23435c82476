"""A folder whose files are reached by its descriptor, name by name, and never through a link.

Each step opens one name relative to the directory opened before (`openat` with `O_NOFOLLOW`), so a directory that is
swapped for a link while a path is walked leads to a refusal and not outside. All methods block: they run in a thread.
"""

from __future__ import annotations

import os
import stat
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_toolbox.packs.files.errors import FileRefused, refusing
from mcp_toolbox.packs.files.paths import is_shown, names_of, same_name

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_ENTRIES = 20_000
_PART = ".part-"


@dataclass(frozen=True)
class Entry:
    """A file or a directory below the folder; `modified` is in seconds since 1970, `bytes` 0 for a directory."""

    path: str
    is_directory: bool
    bytes: int
    modified: float


class Folder:
    """A folder, open until `opened`'s block ends. `max_bytes` bounds one file, `quota_bytes` all of them together."""

    def __init__(self, descriptor: int, max_bytes: int, quota_bytes: int) -> None:
        self._root = descriptor
        self.max_bytes = max_bytes
        self._quota_bytes = quota_bytes
        self._writing = threading.Lock()  # the quota is counted and then used by one at a time

    @classmethod
    @contextmanager
    def opened(cls, root: Path, max_bytes: int, quota_bytes: int) -> Iterator[Folder]:
        """Opens the folder. The operator's own path to it may hold links."""
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield cls(descriptor, max_bytes, quota_bytes)
        finally:
            os.close(descriptor)

    # --- reading ---

    def read(self, path: str) -> bytes:
        """Returns a file's content.

        Raises:
            FileRefused: it is not there, no plain file, or too large.
        """
        with self._parent(path) as (directory, name), refusing(path):
            kind = os.stat(name, dir_fd=directory, follow_symlinks=False)
            _check_plain(kind, path)  # before it is opened: opening a device may do something
            with closing(_File(os.open(name, _READ, dir_fd=directory))) as file:
                opened = os.fstat(file.descriptor)
                _check_plain(opened, path)
                if opened.st_size > self.max_bytes:
                    raise FileRefused("large", path=path, bytes=self.max_bytes)
                content = file.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:  # it has grown meanwhile
            raise FileRefused("large", path=path, bytes=self.max_bytes)
        return content

    def entries(self, path: str, *, below: bool = False) -> Iterator[Entry]:
        """Yields what is in a directory, sorted by name, with everything below it if `below`. Links, special files and
        hidden ones are passed over.

        Raises:
            FileRefused: it is not there, or no directory.
        """
        with self._directory(names_of(path), path) as directory:
            prefix = "".join(f"{name}/" for name in names_of(path))
            yield from _walked(directory, prefix, below)

    # --- writing ---

    def create(self, path: str, content: bytes) -> None:
        """Writes a new file, with the directories above it.

        Raises:
            FileRefused: something of this name is there, or one that differs in upper and lower case alone; the content
                is too large for a file, or for what is left of the quota.
        """
        self._check_size(path, content)
        with self._writing:
            self._check_quota(len(content), new=True)
            with self._parent(path, make=True) as (directory, name), refusing(path):
                for other in _names(directory):
                    if same_name(other, name):
                        raise FileRefused("exists", path=path, other=other)
                _write(directory, name, content, 0o666)

    def replace(self, path: str, content: bytes) -> None:
        """Writes a file that is there anew; a reader sees the old content or the new one, never a part.

        Raises:
            FileRefused: it is not there or no plain file, or the content is too large.
        """
        with self._writing:
            self._replace(path, content)

    def change(self, path: str, changed: Callable[[bytes], bytes]) -> bytes:
        """Writes what `changed` makes of a file's content, and returns it. Changes of one file follow one another, so
        that none undoes another."""
        with self._writing:
            content = changed(self.read(path))
            self._replace(path, content)
        return content

    def _replace(self, path: str, content: bytes) -> None:
        self._check_size(path, content)
        with self._parent(path) as (directory, name), refusing(path):
            old = os.stat(name, dir_fd=directory, follow_symlinks=False)
            _check_plain(old, path)
            self._check_quota(len(content) - old.st_size)
            part = f"{_PART}{os.urandom(8).hex()}"
            _write(directory, part, content, stat.S_IMODE(old.st_mode))
            try:
                # A link or a directory that has taken the name meanwhile is replaced itself, not followed.
                os.rename(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            except OSError:
                os.unlink(part, dir_fd=directory)
                raise

    def _check_size(self, path: str, content: bytes) -> None:
        if len(content) > self.max_bytes:
            raise FileRefused("large", path=path, bytes=self.max_bytes)

    def _check_quota(self, more: int, *, new: bool = False) -> None:
        if (new or more > 0) and self._used() + more > self._quota_bytes:
            raise FileRefused("quota", bytes=self._quota_bytes)

    def _used(self) -> int:
        """Returns the bytes of all files, hidden ones too.

        Raises:
            FileRefused: there are very many files and directories.
        """
        total = count = 0
        for _, directories, files, directory in os.fwalk(".", dir_fd=self._root, follow_symlinks=False):
            for name in files:
                with suppress(OSError):
                    total += os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
            count += len(files) + len(directories)
            if count >= _MOST_ENTRIES:
                raise FileRefused("many", most=_MOST_ENTRIES)
        return total

    # --- the walk ---

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Opens the directory that `path` is in, and tells the name in it, as it is written on the disk."""
        *above, name = names_of(path) or ("",)
        if not name:
            raise FileRefused("no_file", path=path)
        with self._directory(tuple(above), path, make=make) as directory:
            yield directory, _on_disk(directory, name)

    @contextmanager
    def _directory(self, names: tuple[str, ...], path: str, *, make: bool = False) -> Iterator[int]:
        descriptor = os.dup(self._root)
        try:
            for name in names:
                with refusing(path):
                    inner = _step(descriptor, _on_disk(descriptor, name), make)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)


class _File:
    """An open descriptor, closed with `closing`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, most: int) -> bytes:
        parts: list[bytes] = []
        while most > 0 and (part := os.read(self.descriptor, min(most, 1024 * 1024))):
            parts.append(part)
            most -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        os.close(self.descriptor)


def _step(directory: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=directory)
    except FileNotFoundError:
        if not make:
            raise
    if any(same_name(other, name) for other in _names(directory)):
        raise FileRefused("exists", path=name, other=name)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=directory)
    return os.open(name, _DIRECTORY, dir_fd=directory)


def _on_disk(directory: int, name: str) -> str:
    """Returns the name under which `name` stands in the directory: some systems write accents as characters of their
    own."""
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        if not name.isascii():
            for other in _names(directory):
                if unicodedata.normalize("NFC", other) == name:
                    return other
    return name


def _walked(directory: int, prefix: str, below: bool) -> Iterator[Entry]:
    seen = 0
    pending: list[tuple[int, str]] = [(os.dup(directory), prefix)]
    try:
        while pending:
            current, place = pending.pop()
            with closing(_File(current)):
                inner: list[tuple[int, str]] = []
                for entry in _listed(current, place):
                    seen += 1
                    if seen > _MOST_ENTRIES:
                        raise FileRefused("many", most=_MOST_ENTRIES)
                    yield entry
                    if below and entry.is_directory and entry.path.count("/") < 32:
                        with suppress(OSError):
                            name = entry.path.rpartition("/")[2]
                            inner.append(
                                (os.open(_on_disk(current, name), _DIRECTORY, dir_fd=current), f"{entry.path}/")
                            )
                pending += reversed(inner)
    finally:
        for descriptor, _ in pending:
            os.close(descriptor)


def _names(directory: int) -> list[str]:
    return os.listdir(directory)


def _listed(directory: int, place: str) -> list[Entry]:
    found: list[Entry] = []
    for name in sorted(_names(directory)):
        if not is_shown(name):
            continue
        with suppress(OSError):  # it has gone meanwhile
            kind = os.stat(name, dir_fd=directory, follow_symlinks=False)
            shown = unicodedata.normalize("NFC", name)
            if stat.S_ISDIR(kind.st_mode):
                found.append(Entry(place + shown, True, 0, kind.st_mtime))
            elif stat.S_ISREG(kind.st_mode):
                found.append(Entry(place + shown, False, kind.st_size, kind.st_mtime))
    return found


def _write(directory: int, name: str, content: bytes, mode: int) -> None:
    descriptor = os.open(name, _CREATE, mode, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            os.unlink(name, dir_fd=directory)
        raise


def _check_plain(kind: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(kind.st_mode):
        raise FileRefused("no_file", path=path)
    if not stat.S_ISREG(kind.st_mode):
        raise FileRefused("special", path=path)
