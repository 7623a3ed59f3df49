"""lfr-fleet: identities, watchlists, orders and releases."""
