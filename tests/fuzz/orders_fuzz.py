"""Coverage-guided fuzz of whatever reads an order, a policy, a close, a command or a record: nothing but LfrError.

    python -m venv FOLDER && FOLDER/bin/pip install -e . atheris==3.0.0      # atheris is not in the lock
    FOLDER/bin/python -m tests.fuzz.orders_fuzz READER CORPUS -max_total_time=300

READER: order, policy, close, command, stock, deletion, health, or any, which takes them in turn. CORPUS: a folder; the
vectors are put into it. What a signature or a hash protects is read again with the signature or the hash made to fit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["edge"]):
    from edge.clock import parse_utc
    from edge.errors import LfrError
    from edge.formats.documents import HealthDocument
    from edge.formats.policy import PolicyReference
    from edge.formats.receipts import DeletionReceipt, KeyStock
    from edge.trust.commands import NOTHING_OBEYED, commanders_of, obey, open_command
    from edge.trust.documents import canonical, document_sha256, parse_strict
    from edge.trust.envelope import unwrap
    from edge.trust.orders import OrderFloor, RoleSigners, VanFacts, open_close, open_order, read_order
    from edge.trust.policy import hold_against, open_policy, read_policy

from tests.vectors import make_command_vectors as made_commands
from tests.vectors import make_order_vectors as made
from tests.vectors.make_vectors import VAN, document, event, raw

FACTS = VanFacts(made.FLEET, made.DEVICE, made.PACK, made.BACKEND, frozenset({made.RECIPIENT}))
SIGNERS = RoleSigners(frozenset({made.OFFICER_ID, made.CUSTODIAN_ID}), 2)
ORDER = read_order(canonical(made.ORDER))
VAN_KEYS = {raw(VAN).hex()}
POLICY = canonical(made.POLICY)
COMMANDERS = commanders_of(ORDER, read_policy(POLICY), {made_commands.LOG_ID})
NOON = parse_utc(made.NOON)


def read_an_order(data: bytes) -> None:
    opened = open_order(data, made.DEPLOYMENT, FACTS, SIGNERS, OrderFloor(), lambda _: POLICY)
    assert canonical(opened.order.model_dump(mode="json")) == data


def read_a_policy(data: bytes) -> None:
    policy = read_policy(data)
    assert canonical(policy.model_dump(mode="json")) == data
    open_policy(data, PolicyReference(name=policy.name, version=policy.version, sha256=document_sha256(data)))
    hold_against(ORDER, policy)


def read_a_close(data: bytes) -> None:
    refused(lambda: open_close(data, ORDER))
    open_close(canonical(document(said_in(data), made.CLOSER)), ORDER)


def read_a_command(data: bytes) -> None:
    signed = said_in(data)

    def read(event_bytes: bytes) -> None:
        given = open_command(event_bytes, ORDER, made.DEVICE, COMMANDERS, NOTHING_OBEYED, NOON)
        assert canonical(given.command.model_dump(mode="json")) == canonical(signed)
        assert bool(obey(NOTHING_OBEYED, given, COMMANDERS).why) == (given.command.command == "suspend")

    refused(lambda: read(data))
    read(canonical(event(document(signed, made.OFFICER, made.CUSTODIAN))))


def read_an_event(kind: Any) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        refused(lambda: unwrap(data, kind, VAN_KEYS))
        unwrap(canonical(event(document(said_in(data), VAN))), kind, VAN_KEYS)

    return read


def said_in(data: bytes) -> Any:
    """What lies inside event and signatures, as far as they are there."""
    value = parse_strict(data)
    for name in ("data", "signed"):
        if isinstance(value, dict) and name in value:
            value = value[name]
    return value


def refused(read: Callable[[], object]) -> None:
    try:
        read()
    except LfrError:
        return


READERS: dict[str, Callable[[bytes], None]] = {
    "order": read_an_order,
    "policy": read_a_policy,
    "close": read_a_close,
    "command": read_a_command,
    "stock": read_an_event(KeyStock),
    "deletion": read_an_event(DeletionReceipt),
    "health": read_an_event(HealthDocument),
}


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = list(READERS) if name == "any" else [name]
    for file, content in {**made.every_vector(), **made_commands.every_vector()}.items():
        if file.partition("-")[0] in chosen:
            (folder / file).write_bytes(content.partition(b"\n\n")[2])

    def once(data: bytes) -> None:
        for each in chosen:
            refused(lambda each=each: READERS[each](data))  # type: ignore[misc]

    atheris.Setup([sys.argv[0], str(folder), *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
