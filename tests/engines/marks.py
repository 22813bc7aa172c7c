"""Decorators of tests."""

import pytest

# The same test on both databases: it, or one of its fixtures, uses `backend`.
both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
only_postgresql = pytest.mark.parametrize("backend", ["postgresql"])
