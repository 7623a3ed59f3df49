"""TUF's client workflow in vision: python-tuf's Updater over a fetch of ours, with our clock (REPOSITORY.md 2).

Here, and nowhere else, python-tuf is not used as it comes: its HTTP fetcher is never loaded, its wall clock is replaced
(`_trusted_set.reference_time`), and kept metadata is verified by the set that its Updater uses. See
docs/decisions/tuf-without-http.md.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn, cast

from securesystemslib.exceptions import Error as SslibError
from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)  # fmt: skip
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from edge.errors import (
    DocumentInvalid,
    DocumentTooLarge,
    LfrError,
    RepositoryFileMissing,
    RepositoryRefused,
    RepositoryUnavailable,
)  # fmt: skip
from edge.formats.names import INDEX, TIMESTAMP
from edge.formats.parts import Fetch, fetch_whole
from edge.trust.tuf_kept import KeptMetadata, read_index
from edge.trust.tuf_layout import check_role, check_root, check_targets, check_timestamp, parent_of


class _NoHttp:
    """In place of the fetcher that would load urllib3, http and ssl into vision."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("vision has no network: pass a fetcher")


_stand_in = ModuleType("tuf.ngclient.urllib3_fetcher")
_stand_in.__dict__["Urllib3Fetcher"] = _NoHttp
sys.modules.setdefault(_stand_in.__name__, _stand_in)

from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet  # noqa: E402
from tuf.ngclient.config import EnvelopeType, UpdaterConfig  # noqa: E402
from tuf.ngclient.fetcher import FetcherInterface  # noqa: E402
from tuf.ngclient.updater import Updater  # noqa: E402

METADATA_MAX_BYTES = 256 * 1024
ROOTS_AHEAD_MAX = 32
_ROOT_NAME = re.compile(r"metadata/([0-9]{1,10})\.root\.json")
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class Verified:
    """Metadata verified from the enrolled root down; roles are verified when they are asked for."""

    def __init__(self, trusted: TrustedMetadataSet, metadata: KeptMetadata, first: bytes, now: datetime) -> None:
        """Raises: RepositoryRefused for what TUF allows and REPOSITORY.md does not."""
        self._trusted = trusted
        self._now = now
        self.metadata = metadata
        roots = [_root_of(each) for each in (first, *metadata.roots)]
        for each in roots:
            check_root(each)
        self.root_version = trusted.root.version
        self.online_root = roots[0].version
        """The root since which snapshot and timestamp have the keys that they have."""
        for before, after in pairwise(roots):
            if any(_keys_of(before, role) != _keys_of(after, role) for role in ("snapshot", "timestamp")):
                self.online_root = after.version
        self.snapshot_version = trusted.snapshot.version
        self.made_at, self.staleness_s = check_timestamp(trusted.timestamp)
        check_targets(trusted.targets)

    @property
    def targets(self) -> Targets:
        """The top-level role."""
        return self._trusted.targets

    def role(self, name: str, fetch: Fetch) -> Targets:
        """A delegated role, from what is kept or else by fetch; it is in `metadata` then.

        Raises: RepositoryFileMissing when nobody delegates to it, or it does not come; RepositoryRefused.
        """
        parent = parent_of(name)
        delegator = self.targets if parent == "targets" else self.role(parent, fetch)
        delegations = delegator.delegations
        if delegations is None or name not in (delegations.roles or {}):
            raise RepositoryFileMissing(f"the repository's {parent} names no {name}: not published, or over")
        if not self._trusted.contains(name, parent):
            self._load(name, parent, fetch)
        found = cast(Targets, self._trusted[name])
        check_role(name, found)
        if found.is_expired(self._now):
            raise RepositoryRefused(f"{name} has expired {found.expires.isoformat()}")
        return found

    def drop_roles_undelegated(self) -> None:
        """Keep no role of a deployment that targets names no more."""
        delegated = self.targets.delegations.roles if self.targets.delegations else None
        alive = {name.partition(".")[2] for name in delegated or ()}
        roles = {name: data for name, data in self.metadata.roles.items() if name.partition(".")[2] in alive}
        self.metadata = replace(self.metadata, roles=roles)

    def _load(self, name: str, parent: str, fetch: Fetch) -> None:
        meta = self._trusted.snapshot.meta.get(f"{name}.json")
        if meta is None:
            raise RepositoryRefused(f"the snapshot does not list {name}, which {parent} delegates to")
        kept = self.metadata.roles.get(name)
        if kept is not None and self._accepts(kept, name, parent):
            return
        try:
            data = fetch_whole(f"metadata/{meta.version}.{name}.json", METADATA_MAX_BYTES, fetch)
            self._trusted.update_delegated_targets(data, name, parent)
        except DocumentInvalid as error:
            raise RepositoryRefused(f"{name}: {error}") from None
        except (RepositoryError, DeserializationError, SslibError, ValueError) as error:
            _refuse(name, error)
        self.metadata = replace(self.metadata, roles=self.metadata.roles | {name: data})

    def _accepts(self, data: bytes, name: str, parent: str) -> bool:
        try:
            self._trusted.update_delegated_targets(data, name, parent)
        except (RepositoryError, DeserializationError, SslibError, ValueError):
            return False
        return True


class TufClient:
    """Refreshes metadata by TUF's workflow. folder: its own, emptied as it likes; first: the root of the enrolment."""

    def __init__(self, folder: Path, first: bytes) -> None:
        """Raises: RepositoryRefused when the enrolled root is none of ours."""
        self._folder = folder
        self._first = first
        root = _root_of(first)
        check_root(root)
        self._first_version = root.version
        self._holds: KeptMetadata | None = None
        self.roots: tuple[bytes, ...] = ()
        """Every root verified by the last refresh, though it failed later: a key out of use stays out of use."""

    def refresh(self, kept: KeptMetadata, fetch: Fetch, fetch_fresh: Fetch, now: datetime) -> Verified:
        """What the repository says now. fetch: of names whose content never changes.

        Raises: RepositoryUnavailable, RepositoryRefused.
        """
        self.roots = kept.roots
        newest = self._newest_root(kept, fetch_fresh)
        config = UpdaterConfig(
            max_root_rotations=len(kept.roots) + ROOTS_AHEAD_MAX,
            root_max_length=METADATA_MAX_BYTES,
            timestamp_max_length=METADATA_MAX_BYTES,
            snapshot_max_length=METADATA_MAX_BYTES,
            targets_max_length=METADATA_MAX_BYTES,
        )
        try:
            self._fill(kept)
            fetcher = _Fetcher(fetch, fetch_fresh, newest)
            updater = Updater(str(self._folder), "metadata/", fetcher=fetcher, config=config, bootstrap=self._first)
            updater._trusted_set.reference_time = now
            try:
                updater.refresh()
            finally:
                self.roots = self._roots_there(updater._trusted_set.root.version)
            metadata = replace(
                kept,
                roots=self.roots,
                timestamp=(self._folder / "timestamp.json").read_bytes(),
                snapshot=(self._folder / "snapshot.json").read_bytes(),
                targets=(self._folder / "targets.json").read_bytes(),
            )
        except DownloadLengthMismatchError as error:
            _refuse("a file", error)
        except DownloadError as error:
            raise RepositoryUnavailable(f"the repository cannot be read: {error}") from None
        except ExpiredMetadataError as error:
            raise RepositoryUnavailable(f"the repository has nothing in date: {error}; is lfr-fleet serving?") from None
        except (RepositoryError, DeserializationError, SslibError, ValueError) as error:
            _refuse("the repository", error)
        except OSError as error:
            raise RepositoryUnavailable(f"metadata cannot be kept in {self._folder}: {error.strerror}") from None
        self._holds = metadata
        verified = Verified(updater._trusted_set, metadata, self._first, now)
        verified.drop_roles_undelegated()
        return verified

    def verify(self, kept: KeptMetadata, now: datetime) -> Verified:
        """Kept metadata, verified again from the root down; how old it may be is the order's to say.

        Raises: RepositoryUnavailable when there is none, RepositoryRefused.
        """
        if not (kept.timestamp and kept.snapshot and kept.targets):
            raise RepositoryUnavailable("no metadata is kept: the repository was never read here")
        try:
            trusted = TrustedMetadataSet(self._first, EnvelopeType.METADATA)
            trusted.reference_time = _LONG_AGO
            for data in kept.roots:
                trusted.update_root(data)
            trusted.update_timestamp(kept.timestamp)
            trusted.update_snapshot(kept.snapshot)
            trusted.update_targets(kept.targets)
        except (RepositoryError, DeserializationError, SslibError, ValueError) as error:
            _refuse("kept metadata", error)
        for role in (trusted.root, trusted.targets):
            if role.is_expired(now):
                raise RepositoryRefused(f"kept metadata: {role.type} has expired {role.expires.isoformat()}")
        return Verified(trusted, kept, self._first, now)

    def _newest_root(self, kept: KeptMetadata, fetch_fresh: Fetch) -> int:
        """By the index, a hint: a root above it counts as not there."""
        try:
            newest = read_index(fetch_fresh(INDEX))
        except RepositoryFileMissing as error:
            raise RepositoryUnavailable(f"the repository cannot be reached: {error}") from None
        most = self._first_version + len(kept.roots) + ROOTS_AHEAD_MAX
        if newest > most:
            raise RepositoryRefused(f"the index announces root {newest}, at most {most} is followed; enrol anew")
        return newest

    def _fill(self, kept: KeptMetadata) -> None:
        """Have the Updater find what is kept. Its own leavings of a refresh that failed are not believed."""
        same = self._holds is not None and replace(self._holds, roles={}) == replace(kept, roles={})
        self._holds = None
        if same:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        history = self._folder / "root_history"
        history.mkdir(parents=True, mode=0o700)
        for version, data in enumerate(kept.roots, self._first_version + 1):
            (history / f"{version}.root.json").write_bytes(data)
        for name in ("timestamp", "snapshot", "targets"):
            if data := getattr(kept, name):
                (self._folder / f"{name}.json").write_bytes(data)

    def _roots_there(self, version: int) -> tuple[bytes, ...]:
        history = self._folder / "root_history"
        versions = range(self._first_version + 1, version + 1)
        return tuple((history / f"{each}.root.json").read_bytes() for each in versions)


class _Fetcher(FetcherInterface):
    """Files by name; never a temporary file, and no root above the newest that is announced."""

    def __init__(self, fetch: Fetch, fetch_fresh: Fetch, newest_root: int) -> None:
        self._fetch_kept, self._fetch_fresh, self._newest_root = fetch, fetch_fresh, newest_root

    def download_bytes(self, url: str, max_length: int) -> bytes:
        root = _ROOT_NAME.fullmatch(url)
        if root and int(root.group(1)) > self._newest_root:
            raise DownloadHTTPError(f"{url} is not there, says the index", 404)
        fetch = self._fetch_fresh if url == TIMESTAMP else self._fetch_kept
        try:
            return fetch_whole(url, min(max_length, METADATA_MAX_BYTES), fetch)
        except (DocumentTooLarge, DocumentInvalid) as error:
            raise DownloadLengthMismatchError(str(error)) from None
        except LfrError as error:
            raise DownloadError(str(error)) from None

    def download_file(self, url: str, max_length: int) -> IO[bytes]:  # type: ignore[override]
        raise NotImplementedError("targets are fetched by edge/trust/repository.py")

    def _fetch(self, url: str) -> Any:
        raise NotImplementedError("whole files only")


def _root_of(data: bytes) -> Root:
    try:
        metadata = Metadata[Root].from_bytes(data)
    except (RepositoryError, DeserializationError, ValueError) as error:
        _refuse("a root", error)
    if metadata.signed.type != "root":
        raise RepositoryRefused(f"metadata of type {metadata.signed.type} in place of a root")
    return metadata.signed


def _keys_of(root: Root, role: str) -> frozenset[str]:
    return frozenset(root.roles[role].keyids)


def _refuse(what: str, error: Exception) -> NoReturn:
    raise RepositoryRefused(f"{what} is refused: {error.__class__.__name__}: {str(error)[:200]}") from None
