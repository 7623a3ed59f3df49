"""Golden inputs of a pack run through every runtime, kernel path and delegate there is, and compared."""
