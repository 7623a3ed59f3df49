"""lfr-models' workshop: networks read, rewritten, quantised and written as TFLite."""
