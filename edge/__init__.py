"""The appliance: one daemon in two halves, vision that sees and link that speaks."""

__version__ = "0.1.0"
