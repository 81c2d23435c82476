from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerateRequest(_message.Message):
    __slots__ = ("prompt", "model", "provider", "system_prompt", "max_tokens", "temperature", "user_id", "session_id")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    model: str
    provider: str
    system_prompt: str
    max_tokens: int
    temperature: float
    user_id: str
    session_id: str
    def __init__(self, prompt: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., system_prompt: _Optional[str] = ..., max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("current", "historical", "cached")
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    HISTORICAL_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    current: int
    historical: int
    cached: int
    def __init__(self, current: _Optional[int] = ..., historical: _Optional[int] = ..., cached: _Optional[int] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("content", "model", "provider", "tokens_used", "cached", "processing_time", "request_id", "session_id", "tokens", "cost_usd", "finish_reason", "reasoning", "fallback_from")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    TOKENS_USED_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FROM_FIELD_NUMBER: _ClassVar[int]
    content: str
    model: str
    provider: str
    tokens_used: int
    cached: bool
    processing_time: str
    request_id: str
    session_id: str
    tokens: Tokens
    cost_usd: float
    finish_reason: str
    reasoning: str
    fallback_from: str
    def __init__(self, content: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., tokens_used: _Optional[int] = ..., cached: _Optional[bool] = ..., processing_time: _Optional[str] = ..., request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ..., cost_usd: _Optional[float] = ..., finish_reason: _Optional[str] = ..., reasoning: _Optional[str] = ..., fallback_from: _Optional[str] = ...) -> None: ...

class GenerateChunk(_message.Message):
    __slots__ = ("content", "finished", "index", "reasoning", "total_tokens", "processing_time", "model", "provider", "cached", "request_id", "session_id", "tokens", "cost_usd", "finish_reason", "fallback_from")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_TIME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FROM_FIELD_NUMBER: _ClassVar[int]
    content: str
    finished: bool
    index: int
    reasoning: str
    total_tokens: int
    processing_time: str
    model: str
    provider: str
    cached: bool
    request_id: str
    session_id: str
    tokens: Tokens
    cost_usd: float
    finish_reason: str
    fallback_from: str
    def __init__(self, content: _Optional[str] = ..., finished: _Optional[bool] = ..., index: _Optional[int] = ..., reasoning: _Optional[str] = ..., total_tokens: _Optional[int] = ..., processing_time: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., cached: _Optional[bool] = ..., request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ..., cost_usd: _Optional[float] = ..., finish_reason: _Optional[str] = ..., fallback_from: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Price(_message.Message):
    __slots__ = ("input_usd_per_mtok", "output_usd_per_mtok")
    INPUT_USD_PER_MTOK_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_USD_PER_MTOK_FIELD_NUMBER: _ClassVar[int]
    input_usd_per_mtok: float
    output_usd_per_mtok: float
    def __init__(self, input_usd_per_mtok: _Optional[float] = ..., output_usd_per_mtok: _Optional[float] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("id", "name", "provider", "max_tokens", "context_window", "capabilities", "available", "reason", "price")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_WINDOW_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    provider: str
    max_tokens: int
    context_window: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    available: bool
    reason: str
    price: Price
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., provider: _Optional[str] = ..., max_tokens: _Optional[int] = ..., context_window: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., available: _Optional[bool] = ..., reason: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "count")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    count: int
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., count: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProviderStatus(_message.Message):
    __slots__ = ("available", "reason", "circuit")
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_FIELD_NUMBER: _ClassVar[int]
    available: bool
    reason: str
    circuit: str
    def __init__(self, available: _Optional[bool] = ..., reason: _Optional[str] = ..., circuit: _Optional[str] = ...) -> None: ...

class CacheStatus(_message.Message):
    __slots__ = ("hits", "misses", "hit_rate", "entries", "bytes", "invalidated")
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    HIT_RATE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    INVALIDATED_FIELD_NUMBER: _ClassVar[int]
    hits: int
    misses: int
    hit_rate: float
    entries: int
    bytes: int
    invalidated: int
    def __init__(self, hits: _Optional[int] = ..., misses: _Optional[int] = ..., hit_rate: _Optional[float] = ..., entries: _Optional[int] = ..., bytes: _Optional[int] = ..., invalidated: _Optional[int] = ...) -> None: ...

class PoolStatus(_message.Message):
    __slots__ = ("active_workers", "max_workers")
    ACTIVE_WORKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_WORKERS_FIELD_NUMBER: _ClassVar[int]
    active_workers: int
    max_workers: int
    def __init__(self, active_workers: _Optional[int] = ..., max_workers: _Optional[int] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("status", "version", "uptime", "uptime_seconds", "providers", "cache", "pool")
    class ProvidersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ProviderStatus
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ProviderStatus, _Mapping]] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    status: str
    version: str
    uptime: str
    uptime_seconds: float
    providers: _containers.MessageMap[str, ProviderStatus]
    cache: CacheStatus
    pool: PoolStatus
    def __init__(self, status: _Optional[str] = ..., version: _Optional[str] = ..., uptime: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., providers: _Optional[_Mapping[str, ProviderStatus]] = ..., cache: _Optional[_Union[CacheStatus, _Mapping]] = ..., pool: _Optional[_Union[PoolStatus, _Mapping]] = ...) -> None: ...
