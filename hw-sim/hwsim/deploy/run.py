"""One deployment from enrolment to summary, step by step, each step said as it happens."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.exits import Exit
from edge.trust.packs import VerifiedPack, check_subjects, open_pack
from hwsim.deploy.drawn import draw_lists
from hwsim.deploy.fleet_side import entries_max_of
from hwsim.deploy.lists import Listed, build_list
from hwsim.deploy.live_truth import LiveTruth
from hwsim.deploy.parts import Faults, Part, read_json, read_lines, start_room, start_van
from hwsim.deploy.score import Outcome, score
from hwsim.deploy.site import DEPLOYMENT, DEVICE, Site, running_site, work_folder
from hwsim.deploy.summary import Closed, Ended, Facts, draw_sheet, summarise, summary_table
from hwsim.deploy.teller import Teller
from hwsim.deploy.threshold import threshold_for
from hwsim.deploy.wanted import DrawnWanted, StreetWanted, Wanted, check_wanted
from hwsim.errors import DeploymentBroken
from hwsim.street.truth import Truth, read_truth
from provisioning.thresholds import SetThreshold

WATCHING_WAIT_S = 60.0
RECORD_WAIT_S = 60.0
RECEIPT_WAIT_S = 5.0
VAN_LASTS_S = 3600.0
POLL_S = 0.2
PROGRESS_EVERY_S = 5.0
ROOM_STARTS_MAX = 4


@dataclass(frozen=True)
class _Ordered:
    """What the order is for."""

    pack: VerifiedPack
    listed: Listed
    threshold: SetThreshold


@dataclass(frozen=True)
class Result:
    """What a deployment came to. short: what it was asked to reach and did not, in words."""

    summary: dict[str, Any]
    short: tuple[str, ...]


class Deployment:
    """Runs one; `run` is its one verb."""

    def __init__(self, wanted: Wanted, console: Console) -> None:
        self._wanted = wanted
        self._console = console
        self._teller = Teller(console)
        self._runtime: LiteRtRuntime = choose_runtime("auto", threads=1)

    def run(self) -> Result:
        """Raises: LfrError, whose message says what was wrong and what to do."""
        wanted = self._wanted
        check_wanted(wanted)
        wanted.out.mkdir(parents=True, exist_ok=True)
        if isinstance(wanted.street, DrawnWanted):
            self._draw(wanted.street)
        pack = open_pack(wanted.pack_dir, wanted.precision)
        check_subjects(wanted.subjects, pack.manifest.purpose, "the watchlist")
        self._teller.say("pack", f"{pack.manifest.name} {pack.manifest.version}, {pack.precision}, hashes good")
        if isinstance(wanted.street, StreetWanted) and wanted.street.people_dir == wanted.watchlist_dir:
            self._teller.say("note", "all walk past with the photographs that enrolled them; give --people")
        with work_folder(wanted.out, wanted.keep) as work:
            listed = self._build(work / "lists", pack)
            threshold = self._settle_threshold(listed, pack)
            with running_site(work, wanted) as site:
                self._teller.say(
                    "broker", f"mosquitto on port {site.broker.port}, mutual TLS, one access list per device"
                )
                self._teller.say(
                    "fleet", "founded: root by three, officer, custodian; here all their keys lie together"
                )
                return self._watch(site, _Ordered(pack, listed, threshold))

    def _build(self, folder: Path, pack: VerifiedPack) -> Listed:
        stream = sys.stderr if self._console.stderr else sys.stdout
        terminal = stream if self._console.is_terminal else io.StringIO()
        listed = build_list(self._wanted, folder, pack, self._runtime, terminal)
        for reference, why in listed.refused.items():
            self._teller.say("refused", f"{reference}: {why}", "yellow")
        runtime = f"{self._runtime.name} {self._runtime.version}"
        self._teller.say("models", f"loaded; they looked at every photograph, on {runtime}")
        enrolled = len(listed.photographs) - listed.filler
        self._teller.say("watchlist", f"{enrolled} enrolled, {len(listed.refused)} refused")
        if listed.filler:
            self._teller.say("filler", f"{listed.filler} enrolled")
        return listed

    def _settle_threshold(self, listed: Listed, pack: VerifiedPack) -> SetThreshold:
        wanted = self._wanted
        backend = f"{self._runtime.backend}/{pack.precision}"
        entries_max = entries_max_of(len(listed.photographs))
        threshold = threshold_for(wanted.pack_dir, backend, entries_max, wanted.threshold)
        self._teller.say("threshold", threshold.words)
        alike = [pair for pair in listed.alike if pair[0] >= threshold.similarity]
        for similarity, first, second in alike[:10]:
            self._teller.say("alike", f"{first} and {second}: {similarity:.2f}; one person twice?", "yellow")
        return threshold

    def _draw(self, drawn: DrawnWanted) -> None:
        with self._bar() as progress:
            tasks: dict[str, TaskID] = {}

            def show(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = progress.add_task(what, total=total)
                progress.update(tasks[what], completed=done)

            about = draw_lists(drawn, show)
        self._teller.say("street", f"{about} Everybody in it is drawn")

    def _bar(self) -> Progress:
        columns = (TextColumn("{task.description:<10}"), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
        return Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal)

    def _watch(self, site: Site, ordered: _Ordered) -> Result:
        room = start_room(site, self._wanted.pictures)
        van = start_van(site, street=self._wanted.street is not None)
        try:
            self._order(site, ordered)
            said = self._follow(site, room, van)
            code = van.wait(VAN_LASTS_S)
            record, receipt = self._await_records(site, room, van, code)
            if receipt is not None:
                self._teller.say("deleted", _deletion_in_words(receipt))
            closed = self._close(site)
        finally:
            for part in (van, room):
                part.ask_to_stop()
            for part in (van, room):
                self._end(part)
        return self._conclude(site, ordered, Ended(code, record, receipt, said, closed))

    def _order(self, site: Site, ordered: _Ordered) -> None:
        """Once the van has published keys: a list sealed to one of them, an order signed by two, the room's bundle."""
        fleet, listed = site.fleet, ordered.listed
        count = fleet.await_stock(DEVICE, WATCHING_WAIT_S)
        order = fleet.order(DEPLOYMENT, DEVICE, listed.build, site.room_public, ordered.threshold, site.work / "draft")
        key = order.vans[DEVICE]
        self._teller.say("keys", f"{count} in the van's signed stock; {key[:8]}… serves for this deployment alone")
        size = fleet.status(DEPLOYMENT).sealed_bytes
        self._teller.say(
            "order",
            f"signed by officer and custodian; watchlist of {len(listed.photographs)} sealed for the van: "
            f"{size / 1024:.0f} KB published",
        )
        fingerprint = fleet.seal_bundle(order, listed.build, site.bundle_dir)
        self._teller.say("bundle", f"names and photographs sealed to the room alone, fingerprint {fingerprint}")
        if not self._wanted.keep:
            shutil.rmtree(listed.build.parent)

    def _close(self, site: Site) -> Closed:
        """The officer's word, and what the fleet then says of the deployment."""
        count = site.fleet.close(DEPLOYMENT, "the street is over")
        status = site.fleet.status(DEPLOYMENT)
        closed = Closed(len(status.receipts), len(status.vans), site.fleet.is_cleared(DEPLOYMENT))
        left = "list, order and log cleared from the broker" if closed.cleared else "its order stays for vans to hear"
        self._teller.say("closed", f"by the officer: {count} files of keys destroyed; {closed.words}, {left}")
        return closed

    def _follow(self, site: Site, room: Part, van: Part) -> list[str]:
        """Tell what happens while the van watches; put the faults; until the van has ended and no fault is due."""
        truth = LiveTruth(site.truth_file) if self._has_truth else None
        faults = Faults(self._wanted.faults, site.broker, room, site.van_status.parent.parent)
        started_s = watching_s = said_s = time.monotonic()
        watching, done = False, []
        quiet_polls = 0
        while quiet_polls < 2:
            site.fleet.serve_for(POLL_S)
            quiet_polls = 0 if van.poll() is None or faults.outstanding else quiet_polls + 1
            now_s = time.monotonic()
            status = read_json(site.van_status)
            if not watching and status.get("facts", {}).get("state") in ("watching", "closing", "standby"):
                watching, watching_s = status["facts"]["deployment"] is not None, now_s
                if watching:
                    self._teller.say("watching", f"{status['facts']['watchlist_entries']} entries in locked memory")
            if not watching and now_s - started_s > WATCHING_WAIT_S:
                raise DeploymentBroken(f"the van did not begin to watch; its log ends:\n{van.log_tail()}")
            if watching:
                for fault in faults.put(now_s - watching_s):
                    done.append(fault)
                    self._teller.say("fault", fault, "magenta")
            self._teller.alerts(read_lines(site.room_saved / "alerts.jsonl"), truth)
            if watching and now_s - said_s >= PROGRESS_EVERY_S and van.poll() is None:
                said_s = now_s
                self._teller.progress(status, now_s - watching_s)
            if not faults.holds("room"):
                self._mind_room(room)
        return done

    def _mind_room(self, room: Part) -> None:
        """Start a room that has ended again, as a service would. Raises: DeploymentBroken when it keeps ending."""
        code = room.poll()
        if code is None:
            return
        if room.starts > ROOM_STARTS_MAX:
            raise DeploymentBroken(f"the room keeps ending, with {code}; its log ends:\n{room.log_tail()}")
        self._teller.say("room", f"ended with {code}, started again", "yellow")
        room.start()

    def _await_records(
        self, site: Site, room: Part, van: Part, code: int
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The van's signed closing statistics and its deletion receipt, as the room received and verified them.

        A van whose camera failed has not closed: it signs for no deletion.
        """
        if code not in (Exit.ENDED, Exit.CAMERA_FAILED, Exit.ROWS_LEFT):
            raise DeploymentBroken(f"the van ended with {code} ({_exit_name(code)}); its log ends:\n{van.log_tail()}")
        closes = code != Exit.CAMERA_FAILED
        wanted = {"deployment_statistics"} | ({"deletion_receipt"} if closes else set())
        until_s = time.monotonic() + RECORD_WAIT_S
        while time.monotonic() < until_s:
            self._mind_room(room)
            records = {record["kind"]: record for record in read_lines(site.room_saved / "records.jsonl")}
            if wanted <= records.keys():
                if closes:
                    self._await_receipt(site)
                return records["deployment_statistics"], records.get("deletion_receipt")
            site.fleet.serve_for(POLL_S)
        raise DeploymentBroken(f"the van's last records did not reach the room:\n{room.log_tail()}\n{van.log_tail()}")

    def _await_receipt(self, site: Site) -> None:
        """The fleet hears the receipt at the same time as the room; if its connection was away just then, never."""
        until_s = time.monotonic() + RECEIPT_WAIT_S
        while not site.fleet.has_receipt(DEPLOYMENT, DEVICE) and time.monotonic() < until_s:
            site.fleet.serve_for(POLL_S)

    def _conclude(self, site: Site, ordered: _Ordered, ended: Ended) -> Result:
        wanted, out = self._wanted, self._wanted.out
        listed = ordered.listed
        alerts = read_lines(site.room_saved / "alerts.jsonl")
        truth = self._truth(site)
        outcome = score(alerts, truth, set(listed.photographs)) if truth is not None else None
        facts = Facts(
            alerts=alerts,
            ended=ended,
            entries=len(listed.photographs),
            not_enrolled=sorted(listed.refused),
            pack=ordered.pack,
            runtime=f"{self._runtime.name} {self._runtime.version}",
            threshold=ordered.threshold.similarity,
            camera=wanted.camera_name,
            camera_error=read_json(site.van_status).get("camera_error") or None,
        )
        summary = summarise(facts, outcome)
        (out / "alerts.jsonl").write_text("".join(json.dumps(_with_truth(alert, outcome)) + "\n" for alert in alerts))
        records = [each for each in (ended.record, ended.receipt) if each is not None]
        (out / "records.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
        (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        draw_sheet(out / "sheet.png", facts, outcome, site.room_saved, listed.photographs)
        self._console.print(summary_table(summary))
        self._teller.say("written", f"{out}/summary.json, alerts.jsonl, records.jsonl and sheet.png")
        return Result(summary, tuple(self._shortfalls(summary, ended)))

    @property
    def _has_truth(self) -> bool:
        return self._wanted.street is not None or self._wanted.truth is not None

    def _truth(self, site: Site) -> Truth | None:
        return read_truth(site.truth_file) if self._has_truth else None

    def _shortfalls(self, summary: dict[str, Any], ended: Ended) -> list[str]:
        wanted = self._wanted
        short = []
        if ended.exit_code != Exit.ENDED:
            short.append(f"the van ended with {ended.exit_code} ({_exit_name(ended.exit_code)})")
        if ended.closed.receipts < ended.closed.vans:
            short.append(f"the fleet has {ended.closed.words}")
        if summary["tpir"] is not None and summary["tpir"]["value"] < wanted.alerted_share_min:
            short.append(
                f"{summary['tpir']['value']:.0%} of the people on the list found, wanted {wanted.alerted_share_min:.0%}"
            )
        if summary["false_alerts"] is not None and summary["false_alerts"] > wanted.false_alerts_max:
            short.append(f"{summary['false_alerts']} false alerts, wanted at most {wanted.false_alerts_max}")
        return short

    def _end(self, part: Part) -> None:
        try:
            part.wait(60.0)
        except DeploymentBroken:
            part.kill()


def _with_truth(alert: dict[str, Any], outcome: Outcome | None) -> dict[str, Any]:
    line = {name: value for name, value in alert.items() if name != "crop"}
    if outcome is None:
        return line
    verdict = next(each for each in outcome.verdicts if each.event_id == alert["event_id"])
    return {**line, "really": verdict.really, "right": verdict.right}


def _deletion_in_words(receipt: dict[str, Any]) -> str:
    vision, link = receipt["vision"], receipt["link"]
    said = f"link says {link['files_deleted']} files of ciphertext" if link else "link said nothing"
    return (
        f"signed receipt: {vision['entries_overwritten']} entries overwritten, key "
        f"{vision['recipient_destroyed'][:8]}… destroyed ({vision['key_store']}); {said}"
    )


def _exit_name(code: int) -> str:
    return Exit(code).name.lower().replace("_", " ") if code in tuple(Exit) else "killed"
