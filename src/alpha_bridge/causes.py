"""Words from elsewhere, made fit for one line of a terminal."""

__all__ = ["one_line", "printable"]


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
