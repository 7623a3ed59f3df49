"""A street that is drawn, people and all: no photograph of anybody, and the truth of every pixel."""
