"""How long each stage of the face path takes with a pack, on this machine."""
