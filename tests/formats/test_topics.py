"""Topic names: built from ids of our form, and read back into the same ids or not at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import TopicInvalid
from edge.formats.topics import (
    ALERTS,
    ID_PATTERN,
    all_devices_topic,
    device_of,
    device_topic,
    repo_topic,
)

IDS = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,47}\Z")


@given(fleet=IDS, device=IDS)
def test_device_is_read_back_from_its_topic(fleet: str, device: str):
    assert device_of(device_topic(fleet, device, ALERTS)) == device


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "lfr/v1/fleet-1/devices/van-1",
        "lfr/v1/fleet-1/devices/van-1/alerts/more",
        "/lfr/v1/fleet-1/devices/van-1/alerts",
        "lfr/v2/fleet-1/devices/van-1/alerts",
        "lfr/v1/fleet-1/device/van-1/alerts",
        "lfr/v1/fleet-1/devices//alerts",
        "lfr/v1//devices/van-1/alerts",
        "lfr/v1/fleet-1/devices/+/alerts",
        "lfr/v1/fleet-1/devices/#/alerts",
        "lfr/v1/fleet-1/devices/VAN/alerts",
        "lfr/v1/fleet-1/devices/van-1\n/alerts",
        "lfr/v1/fleet-1/devices/..\x00/alerts",
        "lfr/v1/fleet-1/devices/" + "v" * 49 + "/alerts",
        "$share/x/lfr/v1/fleet-1/devices/van-1/alerts",
    ],
)
def test_topic_that_names_no_device_is_refused(topic: str):
    with pytest.raises(TopicInvalid, match="no device topic"):
        device_of(topic)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("snapshot.json", "lfr/v1/fleet-1/repo/snapshot.json"),
    ],
)
def test_files_of_the_repository_have_their_topics(name: str, topic: str):
    assert repo_topic("fleet-1", name) == topic
    assert topic.count("/") <= 7, "AWS IoT allows seven"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "#",
        "+",
        "a/#",
        "a/+/b",
        "../order",
        "a/../b",
        "a//b",
        "/a",
        ".a",
        "A",
        "a\n",
        "a\0",
        "é",
        "a b",
        "x" * 201,
    ],
)
def test_repository_name_out_of_form_is_refused(name: str):
    with pytest.raises(TopicInvalid, match="repository file name"):
        repo_topic("fleet-1", name)


def test_filter_of_a_room_covers_each_device_and_no_other_channel():
    covered = all_devices_topic("fleet-1", ALERTS)
    assert re.fullmatch(covered.replace("+", "[^/]+"), device_topic("fleet-1", "van-1", ALERTS))
    assert not re.fullmatch(covered.replace("+", "[^/]+"), device_topic("fleet-1", "van-1", "health"))


@given(topic=st.text(max_size=80) | st.lists(st.text(max_size=8), max_size=8).map("/".join))
def test_any_text_is_a_device_topic_or_refused(topic: str):
    try:
        device = device_of(topic)
    except TopicInvalid:
        return
    assert re.fullmatch(ID_PATTERN, device)


@given(name=st.text(max_size=130) | st.text("a/.-#+0", max_size=12))
def test_any_text_is_a_repository_name_without_wildcards_or_refused(name: str):
    try:
        topic = repo_topic("fleet-1", name)
    except TopicInvalid:
        return
    assert topic == f"lfr/v1/fleet-1/repo/{name}"
    assert not set(topic) & set("#+\0\n")
    assert ".." not in topic
