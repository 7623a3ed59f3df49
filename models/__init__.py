"""lfr-models: packs installed, verified and evaluated."""
