"""lfr-room: the control room, which receives alerts and decides about people."""
