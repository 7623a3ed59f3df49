"""A draft: metadata of the repository that people have yet to sign, in a form that travels between machines.

A draft carries no private key and is believed by nobody: who publishes it checks every signature again.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from edge.errors import AuthorityInvalid, SignerUnusable
from edge.trust.documents import canonical, parse_strict

DRAFT_MAX_BYTES = 4 * 2**20
_KINDS = ("founding", "deployment", "targets", "rotation")


@dataclass(frozen=True)
class Missing:
    """How many signatures of whom a role still needs."""

    role: str
    signatures: int
    key_ids: tuple[str, ...]


class Draft:
    """What is to be signed, by role name; the target files it lists; and the root in force: it says whose turn it is.

    kind: what it does. about: the deployment, the policy profile or the role that it is for.
    """

    def __init__(
        self,
        kind: str,
        about: str,
        roles: Mapping[str, Metadata[Any]],
        files: Mapping[str, bytes],
        root: Metadata[Root] | None,
    ) -> None:
        """files: target files by their names with hash prefix; root: None in the founding."""
        self.kind = kind
        self.about = about
        self.roles = dict(roles)
        self.files = dict(files)
        self.root = root

    def show(self) -> dict[str, Any]:
        """What a signer should read before signing."""
        return {
            "kind": self.kind,
            "about": self.about,
            "signs": {
                name: {"version": role.signed.version, "expires_utc": role.signed.expires.isoformat()}
                for name, role in self.roles.items()
            },
            "files": {name: len(data) for name, data in self.files.items()},
            "missing": {each.role: each.signatures for each in self.missing()},
        }

    def sign(self, signer: Signer) -> tuple[str, ...]:
        """Sign every role that this key may sign; which they were. Raises: AuthorityInvalid, SignerUnusable."""
        key_id = signer.public_key.keyid
        mine = [name for name in self.roles if key_id in self._who(name)]
        if not mine:
            raise AuthorityInvalid(f"key {key_id[:16]}… may sign nothing in this draft: {self._turns()}")
        for name in mine:
            try:
                self.roles[name].sign(signer, append=True)
            except (UnsignedMetadataError, SslibError, ValueError) as error:
                raise SignerUnusable(f"{name}: key {key_id[:16]}… did not sign: {error}") from None
        return tuple(mine)

    def missing(self) -> tuple[Missing, ...]:
        """What has yet to be signed; empty when the draft may be published."""
        found = []
        for name, role in self.roles.items():
            for delegator in self._delegators(name):
                result = delegator.get_verification_result(name, role.signed_bytes, role.signatures)
                if not result:
                    found.append(Missing(name, result.missing, tuple(sorted(result.unsigned))))
        return tuple(found)

    def to_bytes(self) -> bytes:
        """The draft as one file."""
        return canonical(
            {
                "type": "repository_draft",
                "kind": self.kind,
                "about": self.about,
                "roles": {name: role.to_bytes().decode() for name, role in self.roles.items()},
                "files": {name: base64.b64encode(data).decode() for name, data in self.files.items()},
                "root": None if self.root is None else self.root.to_bytes().decode(),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Draft:
        """Raises: AuthorityInvalid, DocumentInvalid, DocumentTooLarge."""
        value = parse_strict(data, DRAFT_MAX_BYTES)
        keys = {"type", "kind", "about", "roles", "files", "root"}
        if not isinstance(value, dict) or set(value) != keys or value["type"] != "repository_draft":
            raise AuthorityInvalid("not a draft of the repository: need the file that a draft command wrote")
        if value["kind"] not in _KINDS or not isinstance(value["about"], str):
            raise AuthorityInvalid("a draft of an unknown kind: need one made by this software")
        try:
            roles = {name: Metadata.from_bytes(text.encode()) for name, text in value["roles"].items()}
            files = {name: base64.b64decode(text, validate=True) for name, text in value["files"].items()}
            root = None if value["root"] is None else Metadata[Root].from_bytes(value["root"].encode())
        except (AttributeError, TypeError, ValueError, DeserializationError, RepositoryError) as error:
            raise AuthorityInvalid(f"a draft that cannot be read: {str(error)[:200]}") from None
        draft = cls(value["kind"], value["about"], roles, files, root)
        draft.check_form()
        return draft

    def check_form(self) -> None:
        """Raises: AuthorityInvalid when roles are not what their names say, or nobody could sign them."""
        for name, role in self.roles.items():
            if role.signed.type != (name if name in ("root", "targets") else "targets"):
                raise AuthorityInvalid(f"draft: role {name} holds metadata of type {role.signed.type}")
        if self.root is not None and self.root.signed.type != "root":
            raise AuthorityInvalid("draft: the root in force is not a root")
        for name in self.roles:
            self._who(name)

    def _who(self, name: str) -> frozenset[str]:
        return frozenset(key_id for each in self._delegators(name) for key_id in self._role_of(each, name).keyids)

    def _role_of(self, delegator: Root | Targets, name: str) -> Any:
        try:
            return delegator.get_delegated_role(name)
        except ValueError:
            raise AuthorityInvalid(f"draft: nobody delegates to the role {name}") from None

    def _delegators(self, name: str) -> list[Root | Targets]:
        """Who says which keys sign a role: the draft's own metadata before what is in force."""
        roots = [each.signed for each in (self.root, self.roles.get("root")) if each is not None]
        if name == "root":
            return cast(list[Root | Targets], roots)
        if not roots:
            raise AuthorityInvalid("draft: holds no root")
        if name == "targets":
            return [cast(Root, roots[-1])]
        if "targets" not in self.roles:
            raise AuthorityInvalid(f"draft: nobody delegates to the role {name}")
        return [cast(Targets, self.roles["targets"].signed)]

    def _turns(self) -> str:
        return "; ".join(
            f"{each.role} needs {each.signatures} of {', '.join(key_id[:16] + '…' for key_id in each.key_ids)}"
            for each in self.missing()
        ) or ("it is signed already")
