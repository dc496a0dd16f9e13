"""One file per console script."""

import os

# gRPC, which reads this as it is imported, writes lines of its own to stderr for every stranger whose handshake fails
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
