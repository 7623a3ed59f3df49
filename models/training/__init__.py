"""Training of our own networks, on rendered people only."""
