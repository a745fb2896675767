"""Text from elsewhere is text, whatever it holds."""

import numpy as np
import pytest

from alpha_bridge.runs.panel import Panel
from alpha_bridge.studio import markup

HOSTILE = "<script>alert('\"')</script>\x1b"


@pytest.mark.parametrize(
    "shown",
    [
        markup.lines([HOSTILE]),
        markup.table([{HOSTILE: HOSTILE}], HOSTILE),
        markup.table([], HOSTILE),
        markup.figures([Panel(HOSTILE, HOSTILE, HOSTILE, HOSTILE)]),
        markup.gallery(np.zeros((1, 2, 2, 1), np.uint8), [HOSTILE], HOSTILE),
    ],
)
def test_names_from_elsewhere_are_no_markup(shown):
    assert "<script>" not in shown
    assert "alert('" not in shown
    assert 'alert("' not in shown
    assert "\x1b" not in shown


def test_an_uploaded_file_has_its_own_name(monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/uploads")
    assert ">image me.png cannot" in markup.alert(ValueError("image /uploads/9a92/me.png cannot"))
