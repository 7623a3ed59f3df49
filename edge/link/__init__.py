"""The half that speaks: a courier of ciphertext between the pipe and the broker."""
