"""Our policy profiles: canonical, named as their files, and no looser than their sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.errors import AuthorityInvalid
from edge.formats.policy import CATEGORIES, Policy
from edge.trust.documents import canonical
from edge.trust.policy import open_policy, read_policy, refer_to
from provisioning.policy_profiles import profile, profiles

README = (Path(__file__).parents[2] / "provisioning/policies/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", profiles())
def test_profile_is_canonical_and_named_as_its_file(file: str):
    data = profiles()[file]
    policy = read_policy(data)
    assert f"{policy.name}-{policy.version}" == file
    assert canonical(policy.model_dump(mode="json")) == data
    assert open_policy(data, refer_to(policy)) == policy


def test_a_profile_is_found_by_name_and_by_version():
    assert profile("uk") == profile("uk-1")
    assert profile("eu")[0].name == "eu"
    with pytest.raises(AuthorityInvalid, match="there are eu-1, uk-1"):
        profile("us")


def test_uk_profile_holds_the_published_figures():
    policy = profile("uk-1")[0]
    assert (policy.prepare_h_max, policy.alert_retention_h_max, policy.false_alert_ceiling) == (24, 24, 0.001)
    assert policy.categories == list(CATEGORIES)


def test_eu_profile_is_nowhere_looser_than_the_uk_profile():
    uk, eu = profile("uk-1")[0], profile("eu-1")[0]
    assert set(eu.categories) < set(uk.categories)
    for name, field in Policy.model_fields.items():
        if name.endswith(("_max", "_ceiling")):
            assert getattr(eu, name) <= getattr(uk, name), field


@pytest.mark.parametrize("name", ["uk-1", "eu-1"])
def test_each_value_says_in_the_readme_where_it_is_from(name: str):
    section = README.partition("## uk-1")[2] if name == "uk-1" else README.partition("## eu-1")[2]
    said = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    uk, one = profile("uk-1")[0].model_dump(), profile(name)[0].model_dump()
    values = set(one) - {"type", "name", "version"}
    assert said >= (values if name == "uk-1" else {key for key in values if one[key] != uk[key]})
