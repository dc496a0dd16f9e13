"""Tells clients the protocol by both names of reflection: grpcio has the old one, and newer tools ask the new one.

The messages of `grpc.reflection.v1` are those of `v1alpha`, byte for byte; the package's name alone is another.
Source: github.com/grpc/grpc-proto, grpc/reflection/v1/reflection.proto.
"""

from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

NEW_NAME = "grpc.reflection.v1.ServerReflection"


def tell(names: tuple[str, ...], server: Any) -> None:
    """Have a server of grpc.aio answer for the services of these names, and for reflection itself."""
    told = (*names, reflection.SERVICE_NAME, NEW_NAME)
    reflection.enable_server_reflection(told, server)
    answer = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(told).ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = {"ServerReflectionInfo": answer}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NEW_NAME, handlers),))
