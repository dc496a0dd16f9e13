from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Codec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODEC_UNSPECIFIED: _ClassVar[Codec]
    CODEC_H264: _ClassVar[Codec]
    CODEC_HEVC: _ClassVar[Codec]
    CODEC_VP9: _ClassVar[Codec]
    CODEC_AV1: _ClassVar[Codec]
    CODEC_MJPEG: _ClassVar[Codec]

class DropPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DROP_POLICY_UNSPECIFIED: _ClassVar[DropPolicy]
    DROP_POLICY_WAIT: _ClassVar[DropPolicy]
    DROP_POLICY_LATEST: _ClassVar[DropPolicy]
    DROP_POLICY_EVERY: _ClassVar[DropPolicy]

class PixelFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_FORMAT_UNSPECIFIED: _ClassVar[PixelFormat]
    PIXEL_FORMAT_RGB24: _ClassVar[PixelFormat]
    PIXEL_FORMAT_I420: _ClassVar[PixelFormat]
    PIXEL_FORMAT_NV12: _ClassVar[PixelFormat]

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PHASE_UNSPECIFIED: _ClassVar[Phase]
    PHASE_BEGIN: _ClassVar[Phase]
    PHASE_UPDATE: _ClassVar[Phase]
    PHASE_END: _ClassVar[Phase]

class ResetCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESET_CAUSE_UNSPECIFIED: _ClassVar[ResetCause]
    RESET_CAUSE_GAP: _ClassVar[ResetCause]
    RESET_CAUSE_CUT: _ClassVar[ResetCause]
    RESET_CAUSE_NAN: _ClassVar[ResetCause]

class DropCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DROP_CAUSE_UNSPECIFIED: _ClassVar[DropCause]
    DROP_CAUSE_RATE: _ClassVar[DropCause]
    DROP_CAUSE_BACKLOG: _ClassVar[DropCause]
    DROP_CAUSE_DECODE: _ClassVar[DropCause]
    DROP_CAUSE_ORDER: _ClassVar[DropCause]
    DROP_CAUSE_LATE: _ClassVar[DropCause]

class SourceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_STATE_UNSPECIFIED: _ClassVar[SourceState]
    SOURCE_STATE_CONNECTING: _ClassVar[SourceState]
    SOURCE_STATE_LIVE: _ClassVar[SourceState]
    SOURCE_STATE_STALLED: _ClassVar[SourceState]
    SOURCE_STATE_FAILED: _ClassVar[SourceState]
    SOURCE_STATE_ENDED: _ClassVar[SourceState]
CODEC_UNSPECIFIED: Codec
CODEC_H264: Codec
CODEC_HEVC: Codec
CODEC_VP9: Codec
CODEC_AV1: Codec
CODEC_MJPEG: Codec
DROP_POLICY_UNSPECIFIED: DropPolicy
DROP_POLICY_WAIT: DropPolicy
DROP_POLICY_LATEST: DropPolicy
DROP_POLICY_EVERY: DropPolicy
PIXEL_FORMAT_UNSPECIFIED: PixelFormat
PIXEL_FORMAT_RGB24: PixelFormat
PIXEL_FORMAT_I420: PixelFormat
PIXEL_FORMAT_NV12: PixelFormat
PHASE_UNSPECIFIED: Phase
PHASE_BEGIN: Phase
PHASE_UPDATE: Phase
PHASE_END: Phase
RESET_CAUSE_UNSPECIFIED: ResetCause
RESET_CAUSE_GAP: ResetCause
RESET_CAUSE_CUT: ResetCause
RESET_CAUSE_NAN: ResetCause
DROP_CAUSE_UNSPECIFIED: DropCause
DROP_CAUSE_RATE: DropCause
DROP_CAUSE_BACKLOG: DropCause
DROP_CAUSE_DECODE: DropCause
DROP_CAUSE_ORDER: DropCause
DROP_CAUSE_LATE: DropCause
SOURCE_STATE_UNSPECIFIED: SourceState
SOURCE_STATE_CONNECTING: SourceState
SOURCE_STATE_LIVE: SourceState
SOURCE_STATE_STALLED: SourceState
SOURCE_STATE_FAILED: SourceState
SOURCE_STATE_ENDED: SourceState

class RecognizeRequest(_message.Message):
    __slots__ = ("config", "frame", "resume")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    config: Config
    frame: Frame
    resume: Resume
    def __init__(self, config: _Optional[_Union[Config, _Mapping]] = ..., frame: _Optional[_Union[Frame, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("config", "stream_id", "epoch", "checkpoint")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    config: Config
    stream_id: str
    epoch: int
    checkpoint: bytes
    def __init__(self, config: _Optional[_Union[Config, _Mapping]] = ..., stream_id: _Optional[str] = ..., epoch: _Optional[int] = ..., checkpoint: _Optional[bytes] = ...) -> None: ...

class Config(_message.Message):
    __slots__ = ("model", "drop_policy", "top_k", "memory_s", "begin_threshold", "end_threshold", "min_duration_s", "smoothing_s", "allow", "deny", "max_gap_s", "is_cut_aware", "max_age_s", "checkpoint_frames", "video")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DROP_POLICY_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MEMORY_S_FIELD_NUMBER: _ClassVar[int]
    BEGIN_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    END_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MIN_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_S_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    DENY_FIELD_NUMBER: _ClassVar[int]
    MAX_GAP_S_FIELD_NUMBER: _ClassVar[int]
    IS_CUT_AWARE_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_S_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FRAMES_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    model: str
    drop_policy: DropPolicy
    top_k: int
    memory_s: float
    begin_threshold: float
    end_threshold: float
    min_duration_s: float
    smoothing_s: float
    allow: _containers.RepeatedScalarFieldContainer[str]
    deny: _containers.RepeatedScalarFieldContainer[str]
    max_gap_s: float
    is_cut_aware: bool
    max_age_s: float
    checkpoint_frames: int
    video: VideoFormat
    def __init__(self, model: _Optional[str] = ..., drop_policy: _Optional[_Union[DropPolicy, str]] = ..., top_k: _Optional[int] = ..., memory_s: _Optional[float] = ..., begin_threshold: _Optional[float] = ..., end_threshold: _Optional[float] = ..., min_duration_s: _Optional[float] = ..., smoothing_s: _Optional[float] = ..., allow: _Optional[_Iterable[str]] = ..., deny: _Optional[_Iterable[str]] = ..., max_gap_s: _Optional[float] = ..., is_cut_aware: bool = ..., max_age_s: _Optional[float] = ..., checkpoint_frames: _Optional[int] = ..., video: _Optional[_Union[VideoFormat, _Mapping]] = ...) -> None: ...

class VideoFormat(_message.Message):
    __slots__ = ("codec", "extradata")
    CODEC_FIELD_NUMBER: _ClassVar[int]
    EXTRADATA_FIELD_NUMBER: _ClassVar[int]
    codec: Codec
    extradata: bytes
    def __init__(self, codec: _Optional[_Union[Codec, str]] = ..., extradata: _Optional[bytes] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("sequence", "offset", "image", "raw", "packet", "is_repeated", "is_context")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    PACKET_FIELD_NUMBER: _ClassVar[int]
    IS_REPEATED_FIELD_NUMBER: _ClassVar[int]
    IS_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    offset: _duration_pb2.Duration
    image: bytes
    raw: RawPicture
    packet: bytes
    is_repeated: bool
    is_context: bool
    def __init__(self, sequence: _Optional[int] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., image: _Optional[bytes] = ..., raw: _Optional[_Union[RawPicture, _Mapping]] = ..., packet: _Optional[bytes] = ..., is_repeated: bool = ..., is_context: bool = ...) -> None: ...

class RawPicture(_message.Message):
    __slots__ = ("width_px", "height_px", "pixel_format", "data")
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    PIXEL_FORMAT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    width_px: int
    height_px: int
    pixel_format: PixelFormat
    data: bytes
    def __init__(self, width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., pixel_format: _Optional[_Union[PixelFormat, str]] = ..., data: _Optional[bytes] = ...) -> None: ...

class RecognizeResponse(_message.Message):
    __slots__ = ("configured", "update", "frame_skipped", "frame_error", "finished", "checkpoint", "go_away")
    CONFIGURED_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    FRAME_SKIPPED_FIELD_NUMBER: _ClassVar[int]
    FRAME_ERROR_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    configured: Configured
    update: Update
    frame_skipped: FrameSkipped
    frame_error: FrameError
    finished: Finished
    checkpoint: Checkpoint
    go_away: GoAway
    def __init__(self, configured: _Optional[_Union[Configured, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., frame_skipped: _Optional[_Union[FrameSkipped, _Mapping]] = ..., frame_error: _Optional[_Union[FrameError, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("sequence", "offset", "data")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    offset: _duration_pb2.Duration
    data: bytes
    def __init__(self, sequence: _Optional[int] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("checkpoint", "grace")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    checkpoint: Checkpoint
    grace: _duration_pb2.Duration
    def __init__(self, checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., grace: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Configured(_message.Message):
    __slots__ = ("model", "config", "stream_id", "epoch")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    model: Model
    config: Config
    stream_id: str
    epoch: int
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., config: _Optional[_Union[Config, _Mapping]] = ..., stream_id: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("sequence", "offset", "labels", "events", "age", "drops", "reset_cause")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    DROPS_FIELD_NUMBER: _ClassVar[int]
    RESET_CAUSE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    offset: _duration_pb2.Duration
    labels: _containers.RepeatedCompositeFieldContainer[Label]
    events: _containers.RepeatedCompositeFieldContainer[LabelEvent]
    age: _duration_pb2.Duration
    drops: Drops
    reset_cause: ResetCause
    def __init__(self, sequence: _Optional[int] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., labels: _Optional[_Iterable[_Union[Label, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[LabelEvent, _Mapping]]] = ..., age: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., drops: _Optional[_Union[Drops, _Mapping]] = ..., reset_cause: _Optional[_Union[ResetCause, str]] = ...) -> None: ...

class Label(_message.Message):
    __slots__ = ("name", "probability")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    probability: float
    def __init__(self, name: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class LabelEvent(_message.Message):
    __slots__ = ("label", "phase", "probability", "offset", "begin_offset")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    BEGIN_OFFSET_FIELD_NUMBER: _ClassVar[int]
    label: str
    phase: Phase
    probability: float
    offset: _duration_pb2.Duration
    begin_offset: _duration_pb2.Duration
    def __init__(self, label: _Optional[str] = ..., phase: _Optional[_Union[Phase, str]] = ..., probability: _Optional[float] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., begin_offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FrameSkipped(_message.Message):
    __slots__ = ("sequence", "offset", "cause")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    offset: _duration_pb2.Duration
    cause: DropCause
    def __init__(self, sequence: _Optional[int] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., cause: _Optional[_Union[DropCause, str]] = ...) -> None: ...

class FrameError(_message.Message):
    __slots__ = ("sequence", "offset", "cause", "message")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    offset: _duration_pb2.Duration
    cause: DropCause
    message: str
    def __init__(self, sequence: _Optional[int] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., cause: _Optional[_Union[DropCause, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Drops(_message.Message):
    __slots__ = ("rate", "backlog", "decode", "order", "late")
    RATE_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    DECODE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    rate: int
    backlog: int
    decode: int
    order: int
    late: int
    def __init__(self, rate: _Optional[int] = ..., backlog: _Optional[int] = ..., decode: _Optional[int] = ..., order: _Optional[int] = ..., late: _Optional[int] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("events", "drops")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    DROPS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[LabelEvent]
    drops: Drops
    def __init__(self, events: _Optional[_Iterable[_Union[LabelEvent, _Mapping]]] = ..., drops: _Optional[_Union[Drops, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("source",)
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    def __init__(self, source: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("watching", "update", "status", "gap", "finished", "missed_count")
    WATCHING_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    MISSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    watching: Watching
    update: Update
    status: SourceStatus
    gap: Gap
    finished: Finished
    missed_count: int
    def __init__(self, watching: _Optional[_Union[Watching, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., status: _Optional[_Union[SourceStatus, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ..., missed_count: _Optional[int] = ...) -> None: ...

class Watching(_message.Message):
    __slots__ = ("model", "config", "status")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    model: Model
    config: Config
    status: SourceStatus
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ..., config: _Optional[_Union[Config, _Mapping]] = ..., status: _Optional[_Union[SourceStatus, _Mapping]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("offset", "events")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    offset: _duration_pb2.Duration
    events: _containers.RepeatedCompositeFieldContainer[LabelEvent]
    def __init__(self, offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., events: _Optional[_Iterable[_Union[LabelEvent, _Mapping]]] = ...) -> None: ...

class SourceStatus(_message.Message):
    __slots__ = ("name", "state", "since", "last_error", "fps_in", "fps_out", "frame_count", "update_count", "reconnect_count", "drops", "watcher_count", "model")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    FPS_IN_FIELD_NUMBER: _ClassVar[int]
    FPS_OUT_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPS_FIELD_NUMBER: _ClassVar[int]
    WATCHER_COUNT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: SourceState
    since: _timestamp_pb2.Timestamp
    last_error: str
    fps_in: float
    fps_out: float
    frame_count: int
    update_count: int
    reconnect_count: int
    drops: Drops
    watcher_count: int
    model: str
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[SourceState, str]] = ..., since: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ..., fps_in: _Optional[float] = ..., fps_out: _Optional[float] = ..., frame_count: _Optional[int] = ..., update_count: _Optional[int] = ..., reconnect_count: _Optional[int] = ..., drops: _Optional[_Union[Drops, _Mapping]] = ..., watcher_count: _Optional[int] = ..., model: _Optional[str] = ...) -> None: ...

class ListSourcesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSourcesResponse(_message.Message):
    __slots__ = ("sources",)
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[SourceStatus]
    def __init__(self, sources: _Optional[_Iterable[_Union[SourceStatus, _Mapping]]] = ...) -> None: ...

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("models", "limits", "version")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    limits: Limits
    version: str
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., version: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "architecture", "labels", "background", "side_px", "fps", "memory_s", "licence", "source", "engine", "sha256", "experimental", "thresholds")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_S_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENTAL_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    architecture: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    background: _containers.RepeatedScalarFieldContainer[str]
    side_px: int
    fps: float
    memory_s: float
    licence: str
    source: str
    engine: str
    sha256: str
    experimental: _containers.RepeatedScalarFieldContainer[str]
    thresholds: _containers.RepeatedCompositeFieldContainer[LabelThresholds]
    def __init__(self, name: _Optional[str] = ..., architecture: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., background: _Optional[_Iterable[str]] = ..., side_px: _Optional[int] = ..., fps: _Optional[float] = ..., memory_s: _Optional[float] = ..., licence: _Optional[str] = ..., source: _Optional[str] = ..., engine: _Optional[str] = ..., sha256: _Optional[str] = ..., experimental: _Optional[_Iterable[str]] = ..., thresholds: _Optional[_Iterable[_Union[LabelThresholds, _Mapping]]] = ...) -> None: ...

class LabelThresholds(_message.Message):
    __slots__ = ("label", "begin_threshold", "end_threshold", "min_duration_s")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    BEGIN_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    END_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MIN_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    label: str
    begin_threshold: float
    end_threshold: float
    min_duration_s: float
    def __init__(self, label: _Optional[str] = ..., begin_threshold: _Optional[float] = ..., end_threshold: _Optional[float] = ..., min_duration_s: _Optional[float] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_streams", "open_streams", "max_message_bytes", "max_pixels", "idle_timeout")
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    OPEN_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    max_streams: int
    open_streams: int
    max_message_bytes: int
    max_pixels: int
    idle_timeout: _duration_pb2.Duration
    def __init__(self, max_streams: _Optional[int] = ..., open_streams: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_pixels: _Optional[int] = ..., idle_timeout: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...
