"""Imports point down: which module may import which, and what each half of the daemon never loads.

A new module needs a line in `MAY_IMPORT` unless a pattern there covers it; the first pattern that fits decides.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from fnmatch import fnmatchcase
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "edge": ROOT / "edge",
    "control_room": ROOT / "control_room",
    "provisioning": ROOT / "provisioning",
    "models": ROOT / "models",
    "hwsim": ROOT / "hw-sim" / "hwsim",
}
FOLDERS_BESIDE = tuple(f"{package}.*" for package in SOURCES if package != "edge")

GROUND = ("edge.errors", "edge.clock", "edge.records", "edge.devices", "edge.exits", "edge.files")
FORMATS = (*GROUND, "edge.formats.*", "edge.config_file", "edge.config", "edge.wire")
TRUST = (*FORMATS, "edge.trust.*", "edge.evidence.*")
STAGE = (*TRUST, "edge.vision.mailbox", "edge.vision.memory", "edge.vision.network")
ENROLMENT = (
    *(f"edge.vision.{stage}" for stage in ("detect", "align", "embed", "quality", "gallery", "enrol", "memory")),
    "edge.drivers.litert",
)
OUTSIDE = (*TRUST, *ENROLMENT)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # The ground and the formats stand on what is below them.
    "edge.errors": (),
    "edge.clock": (),
    "edge.exits": (),
    "edge.files": (),
    "edge.records": GROUND,
    "edge.devices": GROUND,
    "edge.formats.*": (*GROUND, "edge.formats.*"),
    "edge.config_file": (*GROUND, "edge.formats.*"),
    "edge.config": (*GROUND, "edge.formats.*", "edge.config_file"),
    "edge.wire": (*GROUND, "edge.formats.*"),
    "edge.trust.*": (*FORMATS, "edge.trust.*"),
    "edge.evidence.*": TRUST,
    # Drivers see nothing of the house but the ground, and one another.
    "edge.drivers.*": (*GROUND, "edge.drivers.*"),
    # Vision: what stages share, then those that are more than a stage, then every other module, a stage.
    "edge.vision.mailbox": GROUND,
    "edge.vision.memory": GROUND,
    "edge.vision.network": FORMATS,
    "edge.vision.yunet": FORMATS,
    "edge.vision.detect": (*STAGE, "edge.vision.yunet"),
    "edge.vision.fold": (*STAGE, "edge.vision.gallery"),
    "edge.vision.gallery_holder": (*STAGE, "edge.vision.gallery"),
    "edge.vision.enrol": (*STAGE, "edge.vision.detect", "edge.vision.align", "edge.vision.embed"),
    "edge.vision.alert_desk": (*STAGE, "edge.vision.seal", "edge.vision.link_port"),
    "edge.vision.in_force": (*STAGE, "edge.vision.fold", "edge.vision.gallery", "edge.vision.gallery_holder"),
    "edge.vision.opening": STAGE,
    "edge.vision.overseer": (*STAGE, "edge.vision.in_force"),
    "edge.vision.pipeline": (*STAGE, "edge.vision.*"),
    "edge.vision.closing": (*STAGE, "edge.vision.seal", "edge.vision.link_port"),
    "edge.vision.reporter": (*STAGE, "edge.vision.capture", "edge.vision.seal", "edge.vision.link_port"),
    "edge.vision.detect_loop": (*STAGE, "edge.vision.*"),
    "edge.vision.face_loop": (*STAGE, "edge.vision.*"),
    "edge.vision.judge": (*STAGE, "edge.vision.*"),
    "edge.vision.app": (*STAGE, "edge.vision.*"),
    "edge.vision.*": STAGE,
    # Link: a courier. It checks who signed; it opens no seal and no watchlist.
    "edge.link.*": (*FORMATS, "edge.trust.documents", "edge.trust.envelope", "edge.trust.keys", "edge.link.*"),
    # The mains choose devices and pass them in.
    "edge.camera_choice": (*FORMATS, "edge.drivers.*"),
    "edge.vision_main": (*TRUST, "edge.camera_choice", "edge.drivers.*", "edge.vision.app"),
    "edge.link_main": (*FORMATS, "edge.link.app"),
    "edge.daemon": FORMATS,
    "edge.status": FORMATS,
    "edge.cli": (*FORMATS, "edge.daemon", "edge.status"),
    # The other folders.
    "control_room.*": (*TRUST, "control_room.*"),
    "provisioning.*": (*OUTSIDE, "provisioning.*"),
    # Our own networks are trained and measured on people that the simulation draws.
    "models.training.*": (*OUTSIDE, "models.*", "hwsim.street.rendered.*", "hwsim.street.truth"),
    "models.*": (*OUTSIDE, "models.*"),
    "hwsim.*": ("*",),
}

ONLY_IN: dict[str, tuple[str, ...]] = {
    # Hardware.
    "ai_edge_litert": ("edge.drivers.*", "models.build.tflite_*"),
    "tflite_runtime": ("edge.drivers.*",),
    "picamera2": ("edge.drivers.*",),
    "libcamera": ("edge.drivers.*",),
    # The network, and what is kept.
    "paho": ("edge.link.*", "control_room.*", "provisioning.*", "hwsim.*"),
    "ssl": ("edge.link.*", "control_room.*", "provisioning.*", "hwsim.*"),
    "http": ("models.*", "hwsim.*"),
    "urllib.request": ("models.*", "hwsim.*"),
    "asyncio": (),
    "tuf": ("edge.trust.tuf_*", "edge.trust.repository", "edge.trust.target_files", "provisioning.*"),
    "securesystemslib": ("edge.trust.tuf_*", "provisioning.*"),
    # securesystemslib loads it for a GnuPG signer that nobody here uses; the filter that refuses exec is the wall.
    "subprocess": ("edge.drivers.*", "edge.daemon", *FOLDERS_BESIDE),
    "sqlite3": ("edge.link.*", "control_room.*", "hwsim.*"),
    # Pictures and templates.
    "numpy": (
        *("edge.records", "edge.devices", "edge.drivers.*", "edge.vision.*", "edge.trust.watchlist"),
        *("edge.trust.chunks", "edge.trust.watchlist_writer"),
        *FOLDERS_BESIDE,
    ),
    "torch": ("models.training.*",),
    "cv2": ("edge.drivers.*", "edge.vision.*", "edge.vision_main", *FOLDERS_BESIDE),
}

NEVER_LOADED: dict[str, tuple[str, ...]] = {
    "edge.link_main": (
        "numpy", "cv2", "ai_edge_litert", "tflite_runtime", "picamera2",
        "edge.vision", "edge.drivers", "edge.vision_main", "edge.camera_choice",
        "edge.trust.watchlist", "edge.trust.order", "edge.trust.orders", "edge.trust.policy", "edge.trust.sealing",
        "edge.trust.content_key", "edge.trust.chunks",
    ),
    "edge.vision_main": (
        "paho", "ssl", "http", "urllib.request", "asyncio", "sqlite3", "multiprocessing",
        "edge.link", "edge.link_main", "edge.daemon",
    ),
}  # fmt: skip


def _modules() -> dict[str, Path]:
    found = {}
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *parts)).removesuffix(".__init__")] = path
    return found


MODULES = _modules()
PACKAGES = frozenset(name for name, path in MODULES.items() if path.name == "__init__.py")


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every module that one imports, at its top or within a function, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import on line {node.lineno}; write the whole name"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return frozenset(found)


def house_imports(module: str) -> frozenset[str]:
    return frozenset(name for name in imports_of(module) if name.partition(".")[0] in SOURCES)


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def rule_for(module: str) -> tuple[str, ...] | None:
    return next((allowed for pattern, allowed in MAY_IMPORT.items() if fnmatchcase(module, pattern)), None)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_every_module_has_a_place_in_the_house():
    homeless = [name for name in MODULES if name not in PACKAGES and rule_for(name) is None]
    assert not homeless, f"give each a line in MAY_IMPORT: {homeless}"


def test_packages_import_nothing_themselves():
    wrong = [name for name in sorted(PACKAGES) if house_imports(name)]
    assert not wrong


def test_every_rule_is_about_a_module_that_exists():
    idle = [pattern for pattern in MAY_IMPORT if not any(fnmatchcase(name, pattern) for name in MODULES)]
    assert not idle


def test_imports_point_down():
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in sorted(house_imports(module))
        if name not in PACKAGES and not fits(name, rule_for(module) or ())
    ]
    assert not wrong, "\n".join(wrong)


def test_only_an_existing_module_is_imported():
    wrong = [f"{module} imports {name}" for module in MODULES for name in house_imports(module) if name not in MODULES]
    assert not wrong, "\n".join(wrong)


def test_edge_imports_no_other_folder():
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        if within(module, "edge")
        for name in house_imports(module)
        if not within(name, "edge")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_import_cycles():
    try:
        TopologicalSorter({module: house_imports(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail("a cycle: " + " -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("library", ONLY_IN)
def test_library_is_imported_only_where_it_belongs(library: str):
    wrong = [
        module
        for module in MODULES
        if any(within(name, library) for name in imports_of(module)) and not fits(module, ONLY_IN[library])
    ]
    assert not wrong


def test_only_drivers_open_a_camera():
    wrong = [
        module
        for module, path in MODULES.items()
        if not fits(module, ("edge.drivers.*",))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "VideoCapture"
    ]
    assert not wrong


@pytest.mark.parametrize("main", NEVER_LOADED)
def test_half_never_loads_what_the_other_holds(main: str):
    loaded = _loaded_by(f"import {main}")
    assert main in loaded
    wrong = sorted(name for name in loaded if any(within(name, banned) for banned in NEVER_LOADED[main]))
    assert not wrong


def test_vision_stays_without_network_once_its_runtime_is_loaded():
    loaded = _loaded_by(
        "import edge.vision_main; from edge.drivers.litert import choose_runtime; choose_runtime('auto', 1)"
    )
    assert {"ai_edge_litert", "tflite_runtime"} & loaded
    wrong = sorted(name for name in loaded if any(within(name, banned) for banned in NEVER_LOADED["edge.vision_main"]))
    assert not wrong


def test_repository_brings_no_network_into_vision():
    loaded = _loaded_by("import edge.trust.repository")
    banned = (*NEVER_LOADED["edge.vision_main"], "urllib3", "requests")
    assert "tuf.ngclient.updater" in loaded
    assert not sorted(name for name in loaded if any(within(name, each) for each in banned))


def _loaded_by(statement: str) -> set[str]:
    """The modules a fresh interpreter holds after a statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint('LOADED', *sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("LOADED", 1)[1].split())
