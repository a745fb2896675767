"""Why something could not be read, in the words of the library that tried."""

__all__ = ["one_line"]


def one_line(error: BaseException) -> str:
    """What the first of a chain of errors says, in one line of at most 300 characters.

    Example:
        >>> one_line(ValueError("bad\\n  header"))
        'bad header'
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:300] or type(error).__name__
