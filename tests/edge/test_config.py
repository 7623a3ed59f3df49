"""lfr-edge.yaml: every key has type, bounds and unit, and no configuration that can never alert is called good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.config import Settings, load_settings
from edge.errors import ConfigInvalid
from tests.edge.configuration import changed, good_configuration, written


def keys_of(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        inner = next(
            (each for each in [field.annotation, *getattr(field.annotation, "__args__", ())] if _is_model(each)), None
        )
        if inner is None:
            yield f"{path}{name}", field
        else:
            yield from keys_of(inner, f"{path}{name}.")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


KEYS = dict(keys_of(Settings))


def test_the_good_configuration_is_good_and_its_paths_are_relative_to_its_folder(tmp_path: Path):
    settings = load_settings(written(tmp_path, good_configuration()))
    assert settings.device.state_dir == tmp_path / "state"
    assert settings.camera.path == tmp_path / "clip.mp4"
    assert settings.keys.signing_key_file == tmp_path / "signing.key"


@pytest.mark.parametrize("key", [key for key, field in KEYS.items() if field.annotation in (int, float)])
def test_every_number_has_both_bounds_and_says_its_unit(key: str):
    limits = {name for limit in KEYS[key].metadata for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)}
    assert limits & {"ge", "gt"}
    assert limits & {"le", "lt"}
    unit = key.rsplit("_", 1)[-1] in ("px", "s") or KEYS[key].description or key == "broker.port"
    assert unit


@pytest.mark.parametrize("key", [key for key, field in KEYS.items() if field.annotation in (int, float)])
@pytest.mark.parametrize("value", [-1e12, 1e12, float("inf"), float("nan"), "many", None, [1]])
def test_a_number_out_of_bounds_or_of_another_type_is_a_mistake_named_by_its_path(tmp_path: Path, key: str, value: Any):
    with pytest.raises(ConfigInvalid, match=rf"\n  {key}: "):
        load_settings(written(tmp_path, changed(key, value)))


@pytest.mark.parametrize("section", ["", *good_configuration(), "quality", "tracking", "decision", "health", "outbox"])
def test_an_unknown_key_anywhere_is_a_mistake_named_by_its_path(tmp_path: Path, section: str):
    path = f"{section}.wnated".lstrip(".")
    with pytest.raises(ConfigInvalid, match=f"{path}: unknown key"):
        load_settings(written(tmp_path, changed(path, 1)))


@pytest.mark.parametrize("key", [key for key, field in KEYS.items() if field.is_required() and "delegate" not in key])
def test_a_missing_required_key_is_a_mistake_named_by_its_path(tmp_path: Path, key: str):
    configuration = good_configuration()
    section, name = key.split(".")
    del configuration[section][name]
    with pytest.raises(ConfigInvalid, match=rf"{key}: Field required"):
        load_settings(written(tmp_path, configuration))


@pytest.mark.parametrize("kind", ["file", "folder", "v4l2"])
def test_a_camera_that_needs_a_path_says_so(tmp_path: Path, kind: str):
    configuration = good_configuration() | {"camera": {"kind": kind}}
    with pytest.raises(ConfigInvalid, match=f"camera: .*kind {kind} needs a path"):
        load_settings(written(tmp_path, configuration))


def test_a_configuration_that_could_never_alert_is_a_mistake(tmp_path: Path):
    configuration = good_configuration() | {"decision": {"frames_min": 6, "templates_max": 5}}
    with pytest.raises(ConfigInvalid, match=r"decision: .*frames_min 6 .*templates_max 5"):
        load_settings(written(tmp_path, configuration))


@pytest.mark.parametrize(("low", "high"), [(200, 100), (100, 100)])
def test_an_exposure_that_no_face_could_have_is_a_mistake(tmp_path: Path, low: int, high: int):
    configuration = good_configuration() | {"quality": {"exposure_min": low, "exposure_max": high}}
    with pytest.raises(ConfigInvalid, match=r"quality: .*exposure_min"):
        load_settings(written(tmp_path, configuration))


@pytest.mark.parametrize(
    "key",
    ["device.id", "device.fleet"],
)
@pytest.mark.parametrize("value", ["Van 1", "", "van/1", "a" * 49, "-van", "van\n", "+", "#"])
def test_an_id_that_could_break_a_topic_is_a_mistake(tmp_path: Path, key: str, value: str):
    with pytest.raises(ConfigInvalid, match=key):
        load_settings(written(tmp_path, changed(key, value)))


@pytest.mark.parametrize("stock", [0, 65, "8", None])
def test_a_stock_of_keys_out_of_bounds_is_a_mistake(tmp_path: Path, stock: Any):
    with pytest.raises(ConfigInvalid, match=r"keys\.stock"):
        load_settings(written(tmp_path, changed("keys.stock", stock)))


def test_what_an_order_decides_is_no_configuration():
    forbidden = ("threshold", "watchlist", "deployment", "order", "place", "room", "retention")
    assert not [key for key in KEYS if any(word in key for word in forbidden)]
