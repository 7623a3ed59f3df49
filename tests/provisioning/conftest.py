"""A founded fleet, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provisioning.fleet_rig import FleetRig


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> FleetRig:
    return FleetRig(tmp_path_factory.mktemp("founded")).found("van-1", "van-2")


@pytest.fixture
def rig(tmp_path: Path, founded: FleetRig) -> FleetRig:
    """Two vans with four keys each in stock, everybody's key at hand."""
    return founded.copied_to(tmp_path)
