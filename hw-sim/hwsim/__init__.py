"""lfr-sim: a whole van on a laptop, with faults."""
