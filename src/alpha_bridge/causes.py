"""Errors and words from elsewhere, made fit for one line of a terminal, or of a page."""

import errno
import html
import re

__all__ = ["FULL", "full_disk", "markdown", "one_line", "printable"]

FULL = (errno.EDQUOT, errno.EFBIG, errno.ENOSPC)
"""What the system says where there is no room."""


def full_disk(error: BaseException) -> OSError | None:
    """That of a chain of errors which says that there is no room on a disk, if one does.

    Example:
        >>> full_disk(ValueError("no data")) is None
        True
    """
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


def markdown(text: str) -> str:
    r"""Text from elsewhere as words of a Markdown page: no HTML, no link, no end of a cell.

    Example:
        >>> print(markdown("a <b> | [c](d)"))
        a &lt;b&gt; \| \[c\](d)
    """
    words = html.escape(printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*|\[\]])", r"\\\1", words)
