"""An error of the operating system -> what was seen and what to do about it, in words: one table for all rooms."""

from __future__ import annotations

import errno
import os

_SPACE = "Free space there, or write elsewhere."
_DO = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or write elsewhere.",
    errno.EROFS: "Write elsewhere, or copy it to where can be written.",
    errno.EACCES: "Ask for the right, or name another place.",
    errno.EPERM: "Ask for the right, or name another place.",
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.ELOOP: "Mend the symbolic links, which lead back to where they start.",
    errno.ENOTDIR: "A part of the path is a file where a folder is needed: name another path.",
    errno.EISDIR: "Move that folder away, or name another path.",
    errno.ENOENT: "Look at the path: is each folder of it there?",
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.ENFILE: "The whole machine has too many files open: close some.",
    errno.ENOMEM: "Free memory, or raise the limit on it (ulimit -v).",
    errno.EAGAIN: "Raise the limit on processes (ulimit -u).",
    errno.EIO: "The disk or device does not answer as it should: look at it first.",
}
_SEEN = {
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a part of the path is a file and no folder (not a directory)",
    errno.EEXIST: "it is there already",
    errno.EISDIR: "it is a directory (folder), not a file",
    errno.ELOOP: "its symbolic links are a loop",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EACCES: "permission denied",
    errno.ENOSPC: "no space left on the device",
    errno.EROFS: "it is on a read-only file system",
    errno.EMFILE: "too many open files for this process",
}


def seen(error: OSError) -> str:
    """What the system said, in words."""
    if error.errno is None:
        return str(error) or type(error).__name__
    # Of other libraries, such as TLS, the number is their own and only the text says something.
    return _SEEN.get(error.errno) or (error.strerror or os.strerror(error.errno)).lower()


def what_to_do(error: OSError) -> str:
    """The hint for people; empty where there is none to give."""
    return _DO.get(error.errno or 0, "")
