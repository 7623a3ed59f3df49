"""What a person sees while a deployment runs: one line for each step, alert and fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from hwsim.deploy.live_truth import LiveTruth
from hwsim.deploy.score import judge


class Teller:
    """Says things to a console, each once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._alerts_told = 0
        self._alerts_seen = 0

    def say(self, what: str, text: str, style: str = "") -> None:
        """One line: what it is about, and the text."""
        self._console.print(
            f"[bold]{what:<10}[/bold] {escape(text)}", style=style or None, highlight=False, soft_wrap=True
        )

    def alerts(self, alerts: Sequence[dict[str, Any]], live: LiveTruth | None) -> None:
        """Each alert beside who was really there; one call late, so that the room's own picture stands above it."""
        fresh = alerts[self._alerts_told : self._alerts_seen]
        self._alerts_told, self._alerts_seen = self._alerts_seen, len(alerts)
        truth = live.now() if fresh and live is not None else None
        for alert in fresh:
            text = (
                f"{alert['reference']}: similarity {alert['similarity']:.2f}, threshold {alert['threshold']:.2f}, "
                f"{alert['frames_fused']} frames, {alert['latency_ms']:.0f} ms"
            )
            style = "green"
            if truth is not None:
                verdict = judge(alert, truth)
                text += f"; really there: {verdict.really or 'nobody the truth knows'}"
                style = "green" if verdict.right else "red"
            self.say("ALERT", text, style)

    def progress(self, status: dict[str, Any], watching_s: float) -> None:
        """How far the van is."""
        health = status.get("health", {})
        counts = health.get("statistics") or {}
        frames = f"{counts.get('frames_processed', 0)} frames at {health.get('frames_per_s', 0):.0f}/s"
        passages = f"{counts.get('faces_seen', 0)} passages over, {counts.get('alerts', 0)} alerts"
        self.say("", f"{watching_s:3.0f} s: {frames}, {passages}", "dim")
