"""The units keep the wall between the halves, agree with the code, and satisfy systemd-analyze."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge import daemon, vision_main
from edge.config import load_settings
from edge.link.app import PIPE_NAME
from tests.systemd.units import EXAMPLE, FOLDER, LINK, PYTHON, SOCKET, VISION, command, lines_of, only, read_unit, words

EXPOSURE_MAX = {VISION: 1.0, LINK: 1.5}
"""Of 10, as `systemd-analyze security` counts it."""

SETTINGS = load_settings(EXAMPLE)


@pytest.fixture
def analyze() -> str:
    """systemd-analyze; skips where it is missing."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze (Debian package systemd) is not installed: the units are not verified here")
    return found


@pytest.fixture
def unit_dir(tmp_path: Path) -> Path:
    """The units, with this machine's Python in the place of a van's."""
    for name in (VISION, LINK, SOCKET):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(PYTHON, sys.executable), encoding="utf-8")
    return tmp_path


def test_systemd_finds_no_fault_in_the_units(analyze: str, unit_dir: Path) -> None:
    done = subprocess.run(
        [analyze, "verify", "--man=no", *(str(unit_dir / name) for name in (VISION, LINK, SOCKET))],
        env={"SYSTEMD_UNIT_PATH": f"{unit_dir}:"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Anything said of other units of this machine is not ours to mend.
    assert not [line for line in done.stderr.splitlines() if "lfr-edge" in line]
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", EXPOSURE_MAX)
def test_exposure_stays_low(analyze: str, unit_dir: Path, name: str) -> None:
    most = round(EXPOSURE_MAX[name] * 10)
    done = subprocess.run(
        [analyze, "security", "--no-pager", "--offline=true", f"--threshold={most}", str(unit_dir / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure, done.stderr
    print(f"{name}: exposure {exposure[1]} of 10")
    assert done.returncode == 0, done.stdout
    assert float(exposure[1]) <= EXPOSURE_MAX[name]


def test_sysusers_finds_both_users_to_make(tmp_path: Path) -> None:
    sysusers = shutil.which("systemd-sysusers")
    if sysusers is None:
        pytest.skip("systemd-sysusers (Debian package systemd) is not installed")
    # Into a root of its own, and only what is given there.
    given = tmp_path / "usr" / "lib" / "sysusers.d"
    given.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    shutil.copy(FOLDER / "lfr-edge.sysusers.conf", given / "lfr-edge.conf")
    done = subprocess.run([sysusers, f"--root={tmp_path}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    passwd = (tmp_path / "etc" / "passwd").read_text(encoding="utf-8")
    users = {fields[0]: fields for fields in (line.split(":") for line in passwd.splitlines())}
    assert {"lfr-edge", "lfr-edge-link"} <= set(users)
    assert {users[name][6] for name in ("lfr-edge", "lfr-edge-link")} == {"/usr/sbin/nologin"}
    assert users["lfr-edge"][2:4] != users["lfr-edge-link"][2:4]


@pytest.mark.parametrize("name", [VISION, LINK])
def test_service_starts_a_module_that_exists(name: str) -> None:
    arguments = command(name)
    module = arguments[arguments.index("-m") + 1]
    assert importlib.util.find_spec(module) is not None
    options = [argument for argument in arguments[arguments.index(module) :] if argument.startswith("--")]
    shown = subprocess.run(
        [*arguments[: arguments.index(module) + 1], "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert all(option in shown for option in options)


def test_the_pipe_is_the_one_that_link_looks_for() -> None:
    socket_unit = read_unit(SOCKET)
    path = only(socket_unit, "Socket", "ListenSequentialPacket")
    assert Path(path) == SETTINGS.device.runtime_dir / PIPE_NAME == Path("/run/lfr-edge/pipe.sock")
    assert only(socket_unit, "Socket", "Service") == VISION
    assert "--listen-fd" not in command(VISION), "systemd passes the socket as the first descriptor"
    assert vision_main.SYSTEMD_LISTEN_FD == 3


def test_only_link_may_connect() -> None:
    socket_unit, link = read_unit(SOCKET), read_unit(LINK)
    link_user = only(link, "Service", "User")
    assert only(socket_unit, "Socket", "SocketMode") == "0660"
    assert only(socket_unit, "Socket", "SocketUser") == "root"
    assert only(socket_unit, "Socket", "SocketGroup") == link_user == only(link, "Service", "Group")
    arguments = command(VISION)
    assert arguments[arguments.index("--link-user") + 1] == link_user


def test_vision_has_no_network_and_link_no_device() -> None:
    vision, link = read_unit(VISION), read_unit(LINK)
    assert only(vision, "Service", "PrivateNetwork") == "yes"
    assert words(vision, "Service", "RestrictAddressFamilies") == ["AF_UNIX"]
    assert only(link, "Service", "PrivateDevices") == "yes"
    assert not words(link, "Service", "DeviceAllow")
    assert {only(unit, "Service", "DevicePolicy") for unit in (vision, link)} == {"closed"}


def test_vision_sees_who_connects() -> None:
    """In a user namespace of its own, SO_PEERCRED would call link's user nobody, and every link be refused."""
    assert not words(read_unit(VISION), "Service", "PrivateUsers")


def test_the_gallery_can_be_locked() -> None:
    assert only(read_unit(VISION), "Service", "LimitMEMLOCK") == "infinity"
    assert only(read_unit(VISION), "Service", "LimitCORE") == "0"


def test_each_half_owns_its_state_and_cannot_see_the_others() -> None:
    folders = {line[1]: line[2:5] for line in lines_of("lfr-edge.tmpfiles.conf") if line[0] == "d"}
    state_dir, config_dir = SETTINGS.device.state_dir, Path("/etc/lfr-edge")
    for name, half, other in ((VISION, "vision", "link"), (LINK, "link", "vision")):
        unit = read_unit(name)
        user = only(unit, "Service", "User")
        assert folders[str(state_dir / half)] == ["0700", user, user]
        assert folders[str(config_dir / half)] == ["0750", "root", user]
        assert words(unit, "Service", "ReadWritePaths") == [str(state_dir / half)]
        hidden = words(unit, "Service", "InaccessiblePaths")
        assert hidden == [f"-{config_dir / other}", f"-{state_dir / other}"]
        assert only(unit, "Service", "ProtectSystem") == "strict"
        assert only(unit, "Service", "UMask") == "0077"


def test_every_file_of_the_example_lies_with_the_half_that_reads_it() -> None:
    keys, broker = SETTINGS.keys, SETTINGS.broker
    moded = {line[1]: line[2:5] for line in lines_of("lfr-edge.tmpfiles.conf") if line[0] == "z"}
    for path, half, user in (
        (keys.signing_key_file, "vision", "lfr-edge"),
        (keys.root_file, "vision", "lfr-edge"),
        (broker.ca_file, "link", "lfr-edge-link"),
        (broker.cert_file, "link", "lfr-edge-link"),
        (broker.key_file, "link", "lfr-edge-link"),
    ):
        assert path.parent == Path("/etc/lfr-edge") / half
        assert moded[str(path.parent / f"*{path.suffix}")] == ["0400", user, user]


def test_the_users_of_the_units_are_made() -> None:
    made = {line[1] for line in lines_of("lfr-edge.sysusers.conf")}
    assert made == {only(read_unit(name), "Service", "User") for name in (VISION, LINK)}
    owners = {field for line in lines_of("lfr-edge.tmpfiles.conf") for field in line[3:5]}
    assert owners == made | {"root"}


def test_systemd_restarts_no_end_that_the_daemon_calls_final() -> None:
    vision = read_unit(VISION)
    assert only(vision, "Service", "Restart") == "on-failure"
    final = {int(end) for end in daemon.FINAL if end != 0}
    assert {int(code) for code in words(vision, "Service", "RestartPreventExitStatus")} == final


@pytest.mark.parametrize("name", [VISION, LINK])
def test_restarts_are_bounded(name: str) -> None:
    unit = read_unit(name)
    assert int(only(unit, "Unit", "StartLimitIntervalSec")) > 0
    assert 0 < int(only(unit, "Unit", "StartLimitBurst")) <= 20


def test_vision_stops_first_and_both_get_their_time() -> None:
    vision, link = read_unit(VISION), read_unit(LINK)
    assert LINK in words(vision, "Unit", "After"), "stopping goes in reverse"
    assert VISION not in words(link, "Unit", "After")
    assert float(only(vision, "Service", "TimeoutStopSec")) >= daemon.VISION_STOP_S
    least = SETTINGS.outbox.drain_s + daemon.LINK_STOP_SLACK_S
    assert float(only(link, "Service", "TimeoutStopSec")) >= least
    assert VISION in words(read_unit(SOCKET), "Unit", "PartOf"), "or link's next connection would start it again"
