"""What can go wrong in the control room."""

from __future__ import annotations

from edge.errors import LfrError


class BundleInvalid(LfrError, ValueError):
    """The room's bundle of references and photographs cannot be used."""


class BundleEnded(BundleInvalid):
    """A bundle of a deployment that is over."""


class PictureRefused(LfrError, ValueError):
    """A picture that is not decoded: no JPEG, other than announced, or too large."""


class MessageOutOfPlace(LfrError, ValueError):
    """A good document where it does not belong: on another's topic, an old heartbeat, an id used before."""


class AlreadyWatching(LfrError, RuntimeError):
    """Another room holds this state folder."""


class StoreUnusable(LfrError, OSError):
    """The room's store cannot be opened or written."""
