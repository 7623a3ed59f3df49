"""A sealed watchlist of three parts, and a fresh opening of it for each test."""

from __future__ import annotations

import pytest

from tests.trust.made_watchlist import Opening, made


@pytest.fixture(scope="session")
def sealed() -> Opening:
    return made()


@pytest.fixture
def opening(sealed: Opening) -> Opening:
    return Opening(sealed.header, list(sealed.parts))
