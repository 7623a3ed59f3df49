"""What may run: signed documents, orders, watchlists, packs and the keys that open them."""
