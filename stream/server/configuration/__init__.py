"""What the operator has written: stream.toml, read, and read again when it changes."""
