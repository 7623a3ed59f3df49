"""A wire between van and broker that counts what the broker sends, and can be cut."""

from __future__ import annotations

import contextlib
import socket
import threading

from hwsim.broker import Broker


class CountingWire:
    """Forwards TCP connections to the broker's port; TLS passes through it as it is."""

    def __init__(self, port: int) -> None:
        self._broker_port = port
        self._listener = socket.create_server((Broker.host, 0))
        self.port = int(self._listener.getsockname()[1])
        self.bytes_to_van = 0
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_bytes(self, count: int, timeout_s: float) -> bool:
        """Whether the broker has sent so much in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.bytes_to_van >= count, timeout_s)

    def cut(self) -> None:
        """End every connection that stands."""
        with self._changed:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                van, _ = self._listener.accept()
                try:
                    broker = socket.create_connection((Broker.host, self._broker_port), timeout=5)
                except OSError:  # the broker is down: the van sees its connection end
                    van.close()
                    continue
                broker.settimeout(None)
                for each in (van, broker):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._changed:
                    self._open |= {van, broker}
                threading.Thread(target=self._pump, args=(van, broker, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(broker, van, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, to_van: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if to_van:
                    with self._changed:
                        self.bytes_to_van += len(data)
                        self._changed.notify_all()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
