"""One deployment from enrolment to summary, step by step, each step said as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from edge.drivers.litert import LiteRtRuntime, choose_runtime
from edge.exits import Exit
from edge.trust.packs import VerifiedPack, check_subjects, open_pack
from edge.vision.enrol import FacePath
from hwsim.deploy.drawn import draw_lists
from hwsim.deploy.live_truth import LiveTruth
from hwsim.deploy.parts import Faults, Part, read_json, read_lines, start_room, start_van
from hwsim.deploy.score import Outcome, score
from hwsim.deploy.site import DEVICE, FLEET, Site, build_site, clear_deployment, order_deployment, publish_changes
from hwsim.deploy.stock import await_key
from hwsim.deploy.summary import Facts, draw_sheet, summarise, summary_table
from hwsim.deploy.teller import Teller
from hwsim.deploy.threshold import threshold_for
from hwsim.deploy.wanted import DrawnWanted, StreetWanted, Wanted, check_wanted
from hwsim.errors import DeploymentBroken, DeploymentRefused
from hwsim.street.people import find_people
from hwsim.street.truth import Truth, read_truth
from provisioning.enrolment import Enroller, Enrolment, Entry, Person, find_likenesses, list_people

WATCHING_WAIT_S = 60.0
RECORD_WAIT_S = 60.0
VAN_LASTS_S = 3600.0
POLL_S = 0.2
PROGRESS_EVERY_S = 5.0
ROOM_STARTS_MAX = 4


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
        entries, not_enrolled = self._enrol(pack)
        wanted = self._settle_threshold(pack, len(entries))
        self._warn_of_likenesses(entries, wanted.settled_threshold)
        site = build_site(wanted, wanted.pack_dir)
        try:
            self._teller.say("broker", f"mosquitto on port {site.broker.port}, mutual TLS, one access list per device")
            publish_changes(site)
            return self._watch(site, pack, entries, not_enrolled)
        finally:
            site.broker.stop()
            site.remove(keep=wanted.keep)

    def _enrol(self, pack: VerifiedPack) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
        wanted = self._wanted
        loaded = [FacePath(pack, self._runtime)]  # here, so that what the runtime prints of itself breaks no bar
        self._teller.say("models", f"loaded and run once on {self._runtime.name} {self._runtime.version}")
        enroller = Enroller(lambda: loaded.pop() if loaded else FacePath(pack, self._runtime))
        listed = list_people(wanted.watchlist_dir)
        enrolled = self._enrol_part(enroller, "watchlist", listed, None)
        for refusal in enrolled.refusals:
            self._teller.say("refused", f"{refusal.reference}: {refusal.photograph.name}: {refusal.message}", "yellow")
        if not enrolled.entries:
            raise DeploymentRefused(f"{wanted.watchlist_dir}: none of its {len(listed)} people could be enrolled")
        entries = enrolled.entries
        if wanted.filler_dir is not None and wanted.filler_count != 0:
            taken = {person.reference for person in listed} | self._people_of_the_street()
            others = [person for person in list_people(wanted.filler_dir) if person.reference not in taken]
            filler = self._enrol_part(enroller, "filler", others, wanted.filler_count, photographs_max=1)
            if wanted.filler_count is not None and len(filler.entries) < wanted.filler_count:
                raise DeploymentRefused(
                    f"--filler-count {wanted.filler_count}: only {len(filler.entries)} of {len(others)} in "
                    f"{wanted.filler_dir} could be enrolled"
                )
            entries += filler.entries
        return entries, enrolled.not_enrolled()

    def _settle_threshold(self, pack: VerifiedPack, entries: int) -> Wanted:
        if self._wanted.threshold is None:
            threshold, words = threshold_for(pack, self._runtime.backend, entries)
            self._teller.say("threshold", words)
            self._wanted = replace(self._wanted, threshold=threshold)
        return self._wanted

    def _warn_of_likenesses(self, entries: tuple[Entry, ...], threshold: float) -> None:
        for likeness in find_likenesses(entries, threshold)[:10]:
            self._teller.say(
                "alike",
                f"{likeness.first} and {likeness.second}: {likeness.similarity:.2f}; one person twice?",
                "yellow",
            )

    def _people_of_the_street(self) -> set[str]:
        street = self._wanted.street
        if not isinstance(street, StreetWanted):
            return set()
        return {person.person for person in find_people(street.people_dir)}

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

    def _enrol_part(
        self, enroller: Enroller, title: str, people: Sequence[Person], wanted: int | None, photographs_max: int = 5
    ) -> Enrolment:
        with self._bar() as progress:
            task = progress.add_task(title, total=wanted or len(people))
            enrolment = enroller.enrol(people, lambda _: progress.advance(task), wanted, photographs_max)
        self._teller.say(title, f"{len(enrolment.entries)} enrolled, {len(enrolment.refusals)} photographs refused")
        return enrolment

    def _watch(
        self, site: Site, pack: VerifiedPack, entries: tuple[Entry, ...], not_enrolled: tuple[str, ...]
    ) -> Result:
        room = start_room(site, self._wanted.pictures)
        van = start_van(site, street=self._wanted.street is not None)
        try:
            self._order(site, pack, entries)
            said = self._follow(site, room, van)
            code = van.wait(VAN_LASTS_S)
            record, receipt = self._await_records(site, room, van, code)
            clear_deployment(site)
        finally:
            for part in (van, room):
                part.ask_to_stop()
            for part in (van, room):
                self._end(part)
        return self._conclude(site, pack, entries, not_enrolled, code, record, receipt, said)

    def _order(self, site: Site, pack: VerifiedPack, entries: tuple[Entry, ...]) -> None:
        """Once the van has published keys: a list sealed to one of them, an order signed by two."""
        broker, keys = site.broker, site.device_keys
        key = await_key(broker.host, broker.port, site.admin, FLEET, DEVICE, keys.signing_key_hex, WATCHING_WAIT_S)
        self._teller.say(
            "keys", f"the van's stock is signed; key {key.recipient[:8]}… serves for this deployment alone"
        )
        backend = f"{self._runtime.backend}/{pack.precision}"
        size = order_deployment(site, entries, self._wanted, pack.sha256, backend, key)
        self._teller.say(
            "order",
            f"signed by officer and custodian; watchlist of {len(entries)} sealed for the van: "
            f"{size / 1024:.0f} KB published",
        )

    def _follow(self, site: Site, room: Part, van: Part) -> list[str]:
        """Tell what happens while the van watches; put the faults; until the van has ended and no fault is due."""
        truth = LiveTruth(site.truth_file) if self._has_truth else None
        faults = Faults(self._wanted.faults, site.broker, room, site.van_status.parent.parent)
        started_s = watching_s = said_s = time.monotonic()
        watching, done = False, []
        quiet_polls = 0
        while quiet_polls < 2:
            time.sleep(POLL_S)
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
        wanted = {"deployment_statistics"} | ({"deletion_receipt"} if code != Exit.CAMERA_FAILED else set())
        until_s = time.monotonic() + RECORD_WAIT_S
        while time.monotonic() < until_s:
            self._mind_room(room)
            records = {record["kind"]: record for record in read_lines(site.room_saved / "records.jsonl")}
            if wanted <= records.keys():
                return records["deployment_statistics"], records.get("deletion_receipt")
            time.sleep(POLL_S)
        raise DeploymentBroken(f"the van's last records did not reach the room:\n{room.log_tail()}\n{van.log_tail()}")

    def _conclude(
        self,
        site: Site,
        pack: VerifiedPack,
        entries: tuple[Entry, ...],
        not_enrolled: tuple[str, ...],
        code: int,
        record: dict[str, Any],
        receipt: dict[str, Any] | None,
        faults: list[str],
    ) -> Result:
        wanted, out = self._wanted, self._wanted.out
        alerts = read_lines(site.room_saved / "alerts.jsonl")
        truth = self._truth(site)
        outcome = score(alerts, truth, {entry.reference for entry in entries}) if truth is not None else None
        facts = Facts(
            alerts=alerts,
            record=record,
            entries=len(entries),
            not_enrolled=not_enrolled,
            pack=pack,
            runtime=f"{self._runtime.name} {self._runtime.version}",
            threshold=wanted.settled_threshold,
            camera=wanted.camera_name,
            exit_code=code,
            camera_error=read_json(site.van_status).get("camera_error") or None,
            faults=faults,
        )
        summary = summarise(facts, outcome)
        (out / "alerts.jsonl").write_text("".join(json.dumps(_with_truth(alert, outcome)) + "\n" for alert in alerts))
        records = [record] if receipt is None else [record, receipt]
        (out / "records.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
        if receipt is not None:
            self._teller.say("deleted", _deletion_in_words(receipt))
        (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        photographs = {entry.entry_id: entry.photograph for entry in entries}
        draw_sheet(out / "sheet.png", facts, outcome, site.room_saved, photographs)
        self._console.print(summary_table(summary))
        self._teller.say("written", f"{out}/summary.json, alerts.jsonl, records.jsonl and sheet.png")
        return Result(summary, tuple(self._shortfalls(summary, code)))

    @property
    def _has_truth(self) -> bool:
        return self._wanted.street is not None or self._wanted.truth is not None

    def _truth(self, site: Site) -> Truth | None:
        return read_truth(site.truth_file) if self._has_truth else None

    def _shortfalls(self, summary: dict[str, Any], code: int) -> list[str]:
        wanted = self._wanted
        short = []
        if code != Exit.ENDED:
            short.append(f"the van ended with {code} ({_exit_name(code)})")
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
