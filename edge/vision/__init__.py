"""The half that sees: frames in, sealed alerts out, and no way to a network."""
