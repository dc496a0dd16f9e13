"""The gRPC service and its client: `serve` is the process, `service` its methods; each room is one side of it."""

import os

# gRPC, which reads this as it is imported, writes lines of its own to stderr for every stranger whose handshake fails
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
