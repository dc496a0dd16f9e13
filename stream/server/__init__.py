"""The gRPC service and its client: `serve` is the process, `service` its methods; each room is one side of it."""
