"""Which messages a pattern's paths and settings speak of."""

import pytest

from cpescript.pattern.message import covers, fits


def parts(path):
    return tuple(None if word == "*" else word for word in path.rstrip(".").split("."))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("Device.A.B", "Device.A.B", True),
        ("Device.A.B", "Device.A.C", False),
        ("Device.A.B", "Device.A.B.C", False),
        ("Device.A.", "Device.A.B", True),
        ("Device.A.", "Device.A.B.C", True),
        ("Device.A.", "Device.A.", True),
        ("Device.A.", "Device.AB.C", False),
        ("Device.A.B.", "Device.A.", False),
        ("Device.A.B", "Device.A.", False),
        ("Device.*.", "Device.7", True),
        ("Device.*.B", "Device.7.B", True),
        ("Device.*.B", "Device.7.C", False),
        ("Device.A.*", "Device.A.", False),
    ],
)
def test_fits(pattern, path, expected):
    assert fits(parts(pattern), pattern.endswith("."), path) is expected


@pytest.mark.parametrize(
    ("pattern", "asked", "expected"),
    [
        ("Device.A.B", "Device.A.B", True),
        ("Device.A.B", "Device.A.", True),
        ("Device.A.B", "Device.", True),
        ("Device.A.B", "", True),
        ("Device.A.B", "Device.C.", False),
        ("Device.A.B", "Device.A.B.C.", False),
        ("Device.A.", "Device.A.B", True),
        ("Device.A.", "Device.A.B.C.", True),
        ("Device.A.", "Device.", True),
        ("Device.A.", "Device.B.", False),
        ("Device.W.*.E", "Device.W.3.", True),
    ],
)
def test_covers(pattern, asked, expected):
    assert covers(parts(pattern), pattern.endswith("."), asked) is expected
