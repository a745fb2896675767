"""What can go wrong without being the user's fault, and any error in one line."""

import errno

FULL = (errno.EDQUOT, errno.EFBIG, errno.ENOSPC)
"""What the system says where there is no room."""


class Stopped(RuntimeError):
    """Training ended early, and can go on from its last checkpoint."""


class Diverged(Stopped):
    """A parameter is not finite any more."""


class Halted(Stopped):
    """An incident was recognised, at which training was to stop."""


class Interrupted(Stopped):
    """A signal asked for the end."""


class Lost(Stopped):
    """Another process of the run is gone."""


class Unequal(RuntimeError):
    """A run that was killed is another one than the run that was not."""


class NotWritten(OSError):
    """A file could not be written for want of room, or because the disk is broken."""


def full_disk(error: BaseException) -> OSError | None:
    """That of a chain of errors which reports that there is no room on a disk, if one does."""
    found: BaseException | None = error
    while found is not None and not (isinstance(found, OSError) and found.errno in FULL):
        found = found.__cause__ or found.__context__
    return found


def one_line(error: BaseException) -> str:
    """What the first of a chain of errors says, in one line of at most 300 characters.

    Example:
        >>> one_line(ValueError("bad\\n  header"))
        'bad header'
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:300] or type(error).__name__


def printable(text: str) -> str:
    r"""Text from elsewhere with every control and format character written out.

    Names of files, folders, columns and classes may hold escape sequences, which would speak to
    the terminal, or marks that turn the direction of what follows them.

    Example:
        >>> print(printable("a\x1b[2Jb\u202ec"))
        a\x1b[2Jb\u202ec
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
