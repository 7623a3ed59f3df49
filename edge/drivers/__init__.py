"""The only hardware imports."""
