"""Generated from protos/stream/v1, never edited: `make protos`."""
