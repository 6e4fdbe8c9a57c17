"""What the commands print reaches the user in the program's own words."""

import warnings

import pytest

from srnet.commands.printing import warn
from srnet.data.official import MissingDataWarning


def test_a_warning_is_one_line_of_our_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    words = f"data/{'a long way down/' * 20}hans.txt: no such file; [hans] is left out"
    with warnings.catch_warnings():
        warnings.showwarning = warn
        warnings.warn(words, MissingDataWarning, stacklevel=1)
    assert capsys.readouterr() == ("", f"warning: {words}\n")
