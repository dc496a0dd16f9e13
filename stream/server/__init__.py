"""The gRPC service and its client; wire types stop at `convert`."""
