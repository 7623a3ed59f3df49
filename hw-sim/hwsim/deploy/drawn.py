"""The drawn street of a deployment: its scenario, and the photographs of its people for the lists."""

from __future__ import annotations

from collections.abc import Callable

from hwsim.deploy.wanted import DrawnWanted
from hwsim.street.drawing import need_renderer


def draw_lists(drawn: DrawnWanted, progress: Callable[[str, int, int], None]) -> str:
    """Write the photographs a watchlist is made of, where the lists are to be drawn; what the scenario is about.

    Raises: ToolMissing without numba; StreetInvalid, ConfigInvalid for a scenario that does not do.
    """
    need_renderer()
    from hwsim.street.rendered.files import write_lists
    from hwsim.street.rendered.scenario import read_scenario
    from hwsim.street.rendered.scene import RenderedStreet

    scenario = read_scenario(drawn.scenario)
    street = RenderedStreet(scenario)
    # What cannot be drawn is refused before a van starts; and what the first frame compiles is kept for the van.
    street.frame(0)
    if drawn.lists_dir is not None:
        write_lists(street.cast, drawn.lists_dir, drawn.filler_count, progress=progress)
    return scenario.about
