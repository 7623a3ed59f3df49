"""The truth so far: a truth file that the simulated street is still writing, asked while it grows."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from hwsim.errors import TruthInvalid
from hwsim.street.truth import Truth, TruthFrame, TruthHeader


class LiveTruth:
    """Reads whole lines as they come; a line under way waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._header: TruthHeader | None = None
        self._frames: list[TruthFrame] = []

    def now(self) -> Truth | None:
        """The truth up to here; None before there is any. Raises: TruthInvalid."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return None
        for line in lines:
            if line.endswith(b"\n"):
                self._take(line)
                self._offset += len(line)
        return None if self._header is None else Truth(self._header, self._frames)

    def _take(self, line: bytes) -> None:
        try:
            if self._header is None:
                self._header = TruthHeader.model_validate_json(line)
            else:
                self._frames.append(TruthFrame.model_validate_json(line))
        except ValidationError as error:
            raise TruthInvalid(f"{self._path}: {error.errors()[0]['msg']}") from None
