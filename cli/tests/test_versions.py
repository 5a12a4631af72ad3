from __future__ import annotations

import pytest

from gs import versions


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("0.1.0", ""),
        ("0.1.9", ""),
        ("0.2.0", "newer"),
        ("0.0.9", "older"),
        ("2.0", "newer"),
        ("odd", ""),
        (None, ""),
    ],
)
def test_a_server_that_is_too_far_away_is_warned_of(server, told, capsys):
    versions.warn_of(server)
    text = capsys.readouterr().err
    assert told in text
    assert bool(text) == bool(told)
