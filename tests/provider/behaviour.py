"""What the provider does: every limit, fault and answer that a test may ask of it."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Fault = Literal["error", "overloaded", "hang", "truncated", "bad_json", "reset"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
Moment = Literal["listing", "upload", "creation", "poll", "results"]
BILLED_FAULTS = {"truncated", "bad_json"}


class Behaviour(BaseModel):
    """How the provider answers; the default answers everything at once and never fails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_seconds: Seconds = Field(0.0, description="Time from a request's arrival to its answer.")
    latency_spread: Share = Field(
        0.0, description="Share of the latency by which it differs both ways, decided by a hash of the request."
    )
    latency_per_in_flight_seconds: Seconds = Field(0.0, description="Latency added for every request in flight.")
    requests_per_minute: float | None = Field(None, gt=0, description="Rate limit on requests, for each service.")
    tokens_per_minute: float | None = Field(
        None, gt=0, description="Rate limit on tokens: all together for OpenAI, input and output apart for Anthropic."
    )
    burst_seconds: float = Field(1.0, gt=0, description="How many seconds of its limit a token bucket holds.")
    limit_headers: bool = Field(True, description="Whether answers carry rate-limit headers.")
    retry_after_seconds: Seconds | None = Field(None, description="The wait that a 429 asks for, else computed.")
    error_share: Share = Field(0.0, description="Share of requests that fail with status 500.")
    overloaded_share: Share = Field(0.0, description="Share that is overloaded: 503 for OpenAI, 529 for Anthropic.")
    hang_share: Share = Field(0.0, description="Share that is never answered while the client stays.")
    hang_seconds: Seconds = Field(3600.0, description="After so long the connection of a hanging request is closed.")
    truncated_share: Share = Field(0.0, description="Share that is billed, but the connection closes in mid-answer.")
    bad_json_share: Share = Field(0.0, description="Share that is billed and answered 200 with a body that is no JSON.")
    reset_share: Share = Field(0.0, description="Share whose connection is closed without an answer.")
    faults_at_most: int | None = Field(
        2, ge=0, description="How many times one request body meets a fault, so that retries get through."
    )
    seed: int = Field(0, description="Another seed gives faults and latencies to other requests.")
    outage_after: int | None = Field(None, ge=0, description="After so many requests an outage begins: 503 for all.")
    outage_requests: int | None = Field(None, ge=0, description="How many requests the outage lasts, else for ever.")
    credit_requests: int | None = Field(None, ge=0, description="After so many billed answers the credit is used up.")
    api_keys: tuple[str, ...] | None = Field(None, description="The keys let in; a 401 echoes the whole key sent.")
    models: tuple[str, ...] | None = Field(None, description="The models that exist, else any does.")
    context_tokens: int | None = Field(None, gt=0, description="A prompt of more tokens is rejected.")
    reject_schemas: bool = Field(False, description="Whether every request for structured output is rejected.")
    reject_temperature: bool = Field(False, description="Whether a temperature other than 1 is rejected.")
    refuse_containing: str | None = Field(None, description="A last user message that contains this text is refused.")
    filter_containing: str | None = Field(None, description="One that contains this text meets the content filter.")
    scripted: dict[str, str] = Field(
        {}, description="What is answered, whatever the schema, where the last user message contains a text."
    )
    prose_first: int = Field(0, ge=0, description="How many answers to one body are prose, whatever its schema.")
    answer_words: int | None = Field(None, ge=1, description="Every text answer is of so many words.")
    batch_seconds: Seconds = Field(0.0, description="How long a batch is in progress, on the provider's clock.")
    batch_share: Share = Field(1.0, description="The share of a batch that is done then; the rest is never reached.")
    batch_enqueued_tokens: int | None = Field(None, ge=0, description="How many tokens may wait in OpenAI's batches.")
    batch_stranger: bool = Field(False, description="Whether results hold one for a request that was never sent.")
    batch_truncated: bool = Field(False, description="Whether results break off in the middle of a line.")
    batch_forgotten: bool = Field(False, description="Whether no batch is known any more.")
    training_queue_seconds: Seconds = Field(0.0, description="How long a training is queued, on the provider's clock.")
    training_seconds: Seconds = Field(0.0, description="How long it then runs.")
    training_fails: str = Field("", description="Why every training fails once it has run.")
    training_unanswered: bool = Field(False, description="Whether a training is begun and its client told nothing.")
    training_refusals: int = Field(0, ge=0, description="How many trainings are refused for the rate first.")
    shutdown_dates: dict[str, str] = Field({}, description="When models are shut down, as the models endpoint says.")
    hold: Moment | None = Field(None, description="The moment at which whoever comes to it is held back.")

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if sum(self.share(fault) for fault in FAULTS) > 1 + 1e-9:
            raise ValueError("the shares of all faults together are more than 1")
        return self

    def share(self, fault: Fault) -> float:
        """The share of requests that meet the fault."""
        return getattr(self, f"{fault}_share")
