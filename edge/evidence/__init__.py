"""What is said about the box itself: counts, sequence numbers, records."""
