"""The shapes of our documents, and nothing that acts on them."""
