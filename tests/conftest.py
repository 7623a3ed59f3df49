"""How property tests run: no deadline on a shared machine, other examples each time, every failure replayable.

And the fixtures that every folder may use (tests/real_pack.py).

A failure prints the line that replays it (`@reproduce_failure`). `make fuzz` runs the thorough profile.
"""

from __future__ import annotations

pytest_plugins = ["tests.real_pack"]

try:
    from hypothesis import settings
except ModuleNotFoundError:  # The tflite-runtime environment has no more than its contract suite needs.
    pass
else:
    settings.register_profile("house", deadline=None, derandomize=False, print_blob=True)
    settings.register_profile("thorough", settings.get_profile("house"), max_examples=2000)
    settings.load_profile("house")
