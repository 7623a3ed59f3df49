"""People walking past a van, with ground truth."""
