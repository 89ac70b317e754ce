"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No example is too slow: a machine that is busy with something else is no failure. The examples are
# the same each time, so that a change is judged by what it changes.
settings.register_profile(
    "termhub", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("termhub")
