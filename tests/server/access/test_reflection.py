"""Reflection by its old name and its new one."""

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2 as pb

from tests.server.live import Server


@pytest.mark.parametrize("package", ["grpc.reflection.v1", "grpc.reflection.v1alpha"])
def test_tools_of_either_age_are_told_the_protocol(server: Server, package: str) -> None:
    asked = [
        pb.ServerReflectionRequest(list_services=""),
        pb.ServerReflectionRequest(file_containing_symbol="stream.v1.Frame"),
    ]
    with grpc.insecure_channel(server.address) as channel:
        ask = channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=pb.ServerReflectionRequest.SerializeToString,
            response_deserializer=pb.ServerReflectionResponse.FromString,
        )
        services, file = ask(iter(asked), timeout=20)
    names = {one.name for one in services.list_services_response.service}
    assert {"stream.v1.RecognitionService", f"{package}.ServerReflection"} <= names
    assert b"RecognizeRequest" in file.file_descriptor_response.file_descriptor_proto[0]
