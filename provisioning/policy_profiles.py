"""The policy profiles that come with the house, by name: the very bytes that two people sign."""

from __future__ import annotations

from importlib import resources

from edge.errors import AuthorityInvalid
from edge.formats.policy import Policy
from edge.trust.policy import read_policy

_FOLDER = "provisioning.policies"


def profiles() -> dict[str, bytes]:
    """Every profile's file by `{name}-{version}`, in the order of the alphabet."""
    files = sorted((file for file in resources.files(_FOLDER).iterdir()), key=lambda file: file.name)
    return {file.name.removesuffix(".json"): file.read_bytes() for file in files if file.name.endswith(".json")}


def profile(name: str) -> tuple[Policy, bytes]:
    """A profile and its bytes. name: `uk-1`, or `uk` for its newest version. Raises: AuthorityInvalid."""
    found = [(read_policy(data), data) for data in profiles().values()]
    fitting = [(policy, data) for policy, data in found if name in (policy.name, f"{policy.name}-{policy.version}")]
    if not fitting:
        raise AuthorityInvalid(f"policy profile {name!r}: there are {', '.join(profiles())}")
    return max(fitting, key=lambda each: each[0].version)
