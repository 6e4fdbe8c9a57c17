"""The one error that a user's input can cause."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that says what is wrong, where (file and line, or field), and what to do about it; the
    command line prints it as it is, without a traceback.
    """
