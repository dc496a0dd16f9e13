// The protocol's messages as bytes and back; `make web` generates the rest from protos/ and makes protocol.js of it.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Phase, RecognizeRequestSchema, RecognizeResponseSchema } from "./stream/v1/recognition_pb.js";

export { DropPolicy, Phase } from "./stream/v1/recognition_pb.js";

/** A request's bytes: which message of the oneof it carries, and its fields. */
export function request(kind, value) {
  return toBinary(RecognizeRequestSchema, create(RecognizeRequestSchema, { message: { case: kind, value } }));
}

/** A response as { case, value }. */
export function response(bytes) {
  return fromBinary(RecognizeResponseSchema, bytes).message;
}

/** Seconds as a Duration, to the microsecond. */
export function duration(seconds) {
  const micros = Math.round(seconds * 1e6);
  return { seconds: BigInt(Math.floor(micros / 1e6)), nanos: (micros % 1e6) * 1000 };
}

export function seconds(duration) {
  return Number(duration?.seconds ?? 0) + (duration?.nanos ?? 0) / 1e9;
}

/** "BEGIN", "UPDATE" or "END". */
export function phase(event) {
  return Phase[event.phase];
}
