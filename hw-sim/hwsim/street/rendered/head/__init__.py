"""Rendered people's heads: identities, looks, geometry, paint, and pictures of one head."""
