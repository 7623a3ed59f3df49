"""Thresholds of a pack: measured on people, modelled beyond them, kept beside its manifest, asked for."""
