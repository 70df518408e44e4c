"""What each provider says when it refuses: status, code and message, as recorded or as in its list of errors.

Sources: recorded traffic; https://platform.openai.com/docs/guides/error-codes ; the error lists of Model Studio
(https://www.alibabacloud.com/help/en/model-studio/error-code); Ollama's `server/routes.go` and its cloud's answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a provider tells it."""

    status: int
    code: str
    message: str


def told(kind: str, protocol: str, options: Mapping[str, Any]) -> Told:
    """Return how a provider tells an error; `code` and `message` of the options go first."""
    row = _TOLD[kind]
    found = row.get("openai" if protocol == "responses" else protocol) or row["openai"]
    changes = {k: options[k] for k in ("code", "message") if k in options}
    return replace(found, **changes)


_TOLD: dict[str, dict[str, Told]] = {
    "rate": {
        "openai": Told(429, "rate_limit_exceeded", "Rate limit reached for requests. Please try again in 1s."),
        "ollama": Told(429, "", "too many concurrent requests"),
        "dashscope": Told(429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    },
    "quota": {
        "openai": Told(
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        "ollama": Told(
            429, "", "you (somebody) have reached your weekly usage limit, upgrade for higher limits"
        ),
        "dashscope": Told(
            400, "Arrearage", "Access denied, please make sure your account is in good standing."
        ),
    },
    "500": {
        "openai": Told(500, "server_error", "The server had an error while processing your request."),
        "ollama": Told(500, "", "llama runner process has terminated: exit status 2"),
        "dashscope": Told(500, "InternalError", "An internal error has occurred, please try again later."),
    },
    "502": {
        "openai": Told(502, "bad_gateway", "Bad gateway."),
        "ollama": Told(502, "", "bad gateway"),
        "dashscope": Told(502, "BadGateway", "Bad gateway."),
    },
    "503": {
        "openai": Told(
            503, "service_unavailable", "The engine is currently overloaded, please try again later."
        ),
        "ollama": Told(503, "", "server busy, please try again.  maximum pending requests exceeded"),
        "dashscope": Told(503, "ServiceUnavailable", "The service is unavailable now, please try again later."),
    },
    "504": {
        "openai": Told(504, "gateway_timeout", "Gateway timeout."),
        "ollama": Told(504, "", "gateway timeout"),
        "dashscope": Told(504, "GatewayTimeout", "The gateway timed out, please try again later."),
    },
    "529": {
        "openai": Told(529, "overloaded_error", "Overloaded"),
        "ollama": Told(529, "", "overloaded"),
        "dashscope": Told(529, "ModelServingError", "Too many requests. Your requests are being throttled."),
    },
    "busy": {
        "openai": Told(
            500, "server_error", "The server had an error while processing your request. Sorry about that!"
        ),
        "ollama": Told(500, "", "an error was encountered while running the model: unexpected EOF"),
        "dashscope": Told(500, "InternalError", "An internal error has occurred, please try again later."),
    },
    "key": {
        "openai": Told(
            401,
            "invalid_api_key",
            "Incorrect API key provided. You can find your API key in your account settings.",
        ),
        "ollama": Told(401, "", "unauthorized"),
        "dashscope": Told(401, "InvalidApiKey", "Invalid API-key provided."),
    },
    "access": {
        "openai": Told(
            403, "unsupported_country_region_territory", "Country, region, or territory not supported"
        ),
        "ollama": Told(403, "", "this model requires a subscription, upgrade for access"),
        "dashscope": Told(403, "AccessDenied.Unpurchased", "Access to model denied."),
    },
    "model": {
        "openai": Told(
            404, "model_not_found", "The model `standin` does not exist or you do not have access to it."
        ),
        "ollama": Told(404, "", "model 'standin' not found"),
        "dashscope": Told(404, "ModelNotFound", "Model not exist."),
    },
    "overflow": {
        "openai": Told(
            400,
            "context_length_exceeded",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9250 tokens. "
            "Please reduce the length of the messages.",
        ),
        "ollama": Told(400, "", "prompt too long; exceeded max context length by 1058 tokens"),
        "dashscope": Told(400, "InvalidParameter", "Range of input length should be [1, 8192]"),
    },
    "filter": {
        "openai": Told(
            400,
            "content_filter",
            "The response was filtered due to the prompt triggering the content management policy.",
        ),
        "ollama": Told(400, "", "the request was refused by the content filter"),
        "dashscope": Told(400, "DataInspectionFailed", "Input data may contain inappropriate content."),
    },
    "invalid": {
        "openai": Told(
            400,
            "decimal_above_max_value",
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.",
        ),
        "ollama": Told(400, "", "invalid value for option: temperature"),
        "dashscope": Told(400, "InvalidParameter", "Temperature should be in [0.0, 2.0), but 99.0 was given."),
    },
}
