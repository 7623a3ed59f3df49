"""lfr-models as a person types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from models.arguments import OWN_PACKS
from models.cli import main
from tests.made_packs import WEIGHTS, manifest_of, write_manifest, write_source, write_weights
from tests.reference import reference_dir

TINY = Path(__file__).resolve().parents[1] / "tiny"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    write_manifest(tmp_path / "packs" / "made", manifest_of(WEIGHTS))
    return tmp_path / "packs"


def listed(packs: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    main(["list", "--packs", str(packs), "--json"])
    (pack,) = json.loads(capsys.readouterr().out)["packs"]
    return pack


def test_list_says_what_is_installed(packs: Path, capsys):
    assert listed(packs, capsys)["presence"] == "not installed"
    (packs / "made" / "detector_int8.tflite").write_bytes(WEIGHTS["detector_int8.tflite"])
    assert listed(packs, capsys)["presence"] == "incomplete"
    write_weights(packs / "made", WEIGHTS)
    pack = listed(packs, capsys)
    assert (pack["presence"], pack["precisions"]) == ("installed", ["int8", "float32"])
    assert pack["size_bytes"] == sum(map(len, WEIGHTS.values()))


def test_list_shows_an_invalid_pack_beside_the_others(packs: Path, capsys):
    write_manifest(packs / "broken", {"name": "broken"})
    assert main(["list", "--packs", str(packs)]) == 1
    text = capsys.readouterr().out
    assert "made" in text
    assert "broken: " in text


def test_list_finds_the_packs_of_this_software(capsys):
    assert main(["list", "--packs", str(OWN_PACKS)]) == 0
    assert "street" in capsys.readouterr().out


def test_variable_names_the_folder_of_packs(packs: Path, capsys, monkeypatch):
    monkeypatch.setenv("LFR_PACKS", str(packs))
    assert main(["list"]) == 0
    assert "made" in capsys.readouterr().out


def test_install_from_a_folder_reports_each_file(packs: Path, tmp_path: Path, capsys):
    source = write_source(tmp_path / "source", WEIGHTS)
    assert main(["install", "made", "--from", str(source), "--packs", str(packs)]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in WEIGHTS)
    assert main(["install", "made", "--packs", str(packs), "--json"]) == 0
    assert not any(file["fetched"] for file in json.loads(capsys.readouterr().out)["files"])


def test_install_without_a_source_says_what_to_type(packs: Path, capsys):
    assert main(["install", "made", "--packs", str(packs)]) == 2
    assert "lfr-models install made --from" in capsys.readouterr().err


def test_refusal_is_told_to_machines_too(packs: Path, capsys):
    assert main(["verify", "made", "--packs", str(packs), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], told["error"]) == (False, "PackMissing")


@pytest.mark.parametrize("name", ["../made", "made/", "/etc", ".", "..", ""])
def test_name_that_is_a_path_is_refused(packs: Path, name: str, capsys):
    assert main(["verify", name, "--packs", str(packs)]) == 2
    assert "not a path" in capsys.readouterr().err


def test_verify_refuses_an_altered_file_with_its_name_and_both_hashes(packs: Path, capsys):
    write_weights(packs / "made", WEIGHTS | {"embedder_float32.tflite": b"altered"})
    assert main(["verify", "made", "--packs", str(packs)]) == 2
    message = capsys.readouterr().err
    pinned = manifest_of(WEIGHTS)["embedder"]["files"]["float32"]["sha256"]
    assert "embedder_float32.tflite" in message
    assert pinned in message


def test_verify_refuses_weights_that_are_no_network(packs: Path, capsys):
    write_weights(packs / "made", WEIGHTS)
    assert main(["verify", "made", "--packs", str(packs)]) == 2
    assert "detector_int8.tflite: refused" in capsys.readouterr().err


def test_verify_refuses_a_network_of_another_shape_with_found_and_needed(tmp_path: Path, capsys):
    content = (TINY / "conv_int8.tflite").read_bytes()
    weights = {"detector_int8.tflite": content, "embedder_int8.tflite": content}
    folder = write_manifest(tmp_path / "made", manifest_of(weights))
    write_weights(folder, weights)
    assert main(["verify", "made", "--packs", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "(1, 8, 8, 3)" in message
    assert "(1, 480, 640, 3)" in message


@pytest.mark.real
def test_street_pack_verifies_with_its_smallest_detector(street_pack_dir: Path, tmp_path: Path, capsys):
    """One size of five: the reference kernels take seconds for each picture of the others."""
    manifest = yaml.safe_load((street_pack_dir / "pack.yaml").read_text())
    detector = manifest["detector"]
    detector["sizes"] = [min(detector["sizes"], key=lambda size: size["input"]["width_px"])]
    kept = {key: value for key, value in manifest.items() if key not in ("calibration", "goldens")}
    folder = write_manifest(tmp_path / "street", kept)
    for files in (detector["sizes"][0]["files"], manifest["embedder"]["files"]):
        for file in files.values():
            shutil.copy(street_pack_dir / file["name"], folder)
    assert main(["verify", "street", "--packs", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [entry["precision"] for entry in report["precisions"]] == ["int8", "float32"]
    assert all(entry["detector_ms"] > 0 and entry["embedder_ms"] > 0 for entry in report["precisions"])
    assert report["good"]
    assert {network["file"] for network in report["networks"]} == {file.name for file in folder.glob("*.tflite")}
    backends = {backend["backend"] for network in report["networks"] for backend in network["backends"]}
    assert backends >= {"litert", "litert-builtin", "litert-reference"}
    assert all(
        backend["faces"]["found"] == backend["faces"]["needed"] == 5
        for network in report["networks"]
        if network["role"] == "detector"
        for backend in network["backends"]
    )


@pytest.mark.real
def test_street_detector_given_as_embedder_is_refused_with_found_and_needed(tmp_path: Path, capsys):
    content = reference_dir("models", "detector", "yunet_n_480x640_int8.tflite").read_bytes()
    weights = {"detector_int8.tflite": content, "embedder_int8.tflite": content}
    folder = write_manifest(tmp_path / "made", manifest_of(weights))
    write_weights(folder, weights)
    assert main(["verify", "made", "--packs", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "embedder" in message
    assert "(1, 128, 128, 3)" in message


@pytest.mark.parametrize(
    "command",
    [[], ["list"], ["install"], ["verify"], ["goldens"], ["bench"], ["evaluate"], ["calibrate"], ["threshold"]],
)
def test_help_is_shown(command: list[str], capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "lfr-models" in capsys.readouterr().out


def test_it_works_without_rich(packs: Path, tmp_path: Path):
    source = write_source(tmp_path / "source", WEIGHTS)
    code = (
        "import sys; sys.modules['rich'] = None; from models.cli import main; "
        f"sys.exit(main(['install', 'made', '--from', {str(source)!r}, '--packs', {str(packs)!r}]))"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert ended.returncode == 0, ended.stderr
