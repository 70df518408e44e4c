"""The models that the stand-in serves, and what it tells of them when it is asked: one function a path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.loose import mapping
from agentsdk.testing.standin.wire import CREATED, message_size, to_json

MODEL = "standin"
"""The one model that is listed where none was named."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, and what it can do."""

    name: str
    tools: bool = True
    vision: bool = False
    audio: bool = False
    thinking: bool = False
    embedding: bool = False
    context: int = 131072
    """Tokens that it was made for."""
    loaded: int | None = None
    """Tokens that it is loaded with; else `context`, or 4096 where it truncates."""
    truncates: bool = False
    """Whether Ollama's habit is played: the oldest messages that do not fit are dropped, and nothing is said."""
    path: Literal["text", "multimodal", ""] = ""
    """The one of DashScope's two paths that it lives on; "" for both."""
    refuses: Sequence[str] = ()
    """Names of parameters that it does not take, such as "max_tokens" or "temperature"."""
    family: str = "standin"

    @property
    def window(self) -> int:
        """Tokens that it takes as it is loaded."""
        return self.loaded or (4096 if self.truncates else self.context)

    @property
    def tag(self) -> str:
        """The name as Ollama lists it."""
        return self.name if ":" in self.name else f"{self.name}:latest"


Probe = Callable[[Sequence[ServedModel], Any], tuple[int, bytes]]
"""Makes status and body of the models, and of the body that was sent."""


def _openai_models(models: Sequence[ServedModel], owner: str = "standin") -> tuple[int, bytes]:
    listed = [{"id": m.name, "object": "model", "created": CREATED, "owned_by": owner} for m in models]
    return 200, to_json({"object": "list", "data": listed})


def _vllm_models(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    listed: list[dict[str, Any]] = [
        {
            "id": m.name,
            "object": "model",
            "created": CREATED,
            "owned_by": "vllm",
            "root": m.name,
            "parent": None,
            "max_model_len": m.window,
            "permission": [],
        }
        for m in models
    ]
    return 200, to_json({"object": "list", "data": listed})


def _llamacpp_models(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    listed = [
        {
            "id": m.name,
            "object": "model",
            "created": CREATED,
            "owned_by": "llamacpp",
            "meta": {"n_ctx_train": m.context, "vocab_type": 2, "n_vocab": 151936, "n_embd": 2048},
        }
        for m in models
    ]
    return 200, to_json({"object": "list", "data": listed})


def _lmstudio_models(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    listed = [
        {
            "id": m.name,
            "object": "model",
            "type": "embeddings" if m.embedding else "vlm" if m.vision else "llm",
            "publisher": "standin",
            "arch": m.family,
            "compatibility_type": "gguf",
            "quantization": "Q4_K_M",
            "state": "loaded",
            "max_context_length": m.context,
            "loaded_context_length": m.window,
            "capabilities": ["tool_use"] if m.tools else [],
        }
        for m in models
    ]
    return 200, to_json({"object": "list", "data": listed})


def _tags(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    return 200, to_json({"models": [_ollama_entry(m) for m in models]})


def _running(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    more = {"expires_at": "2023-11-14T22:18:20Z", "size_vram": 1}
    return 200, to_json({"models": [_ollama_entry(m) | more | {"context_length": m.window} for m in models]})


def _ollama_entry(model: ServedModel) -> dict[str, Any]:
    return {
        "name": model.tag,
        "model": model.tag,
        "modified_at": "2023-11-14T22:13:20Z",
        "size": 1,
        "digest": "0" * 64,
        "details": _details(model),
    }


def _details(model: ServedModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }


def _show(models: Sequence[ServedModel], body: Any) -> tuple[int, bytes]:
    asked = mapping(body)
    name = str(asked.get("model") or asked.get("name") or "")
    model = find(models, name)
    if model is None:
        return 404, to_json({"error": f"model '{name}' not found"})
    can = [("embedding", model.embedding), ("completion", not model.embedding), ("tools", model.tools)]
    can += [("vision", model.vision), ("thinking", model.thinking), ("audio", model.audio)]
    parameters = f'num_ctx                        {model.loaded}\nstop                           "<|eot_id|>"'
    return 200, to_json(
        {
            "license": "",
            "modelfile": f"FROM {model.name}",
            "parameters": parameters if model.loaded else 'stop                           "<|eot_id|>"',
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": {
                "general.architecture": model.family,
                "general.parameter_count": 8_030_261_312,
                f"{model.family}.context_length": model.context,
                f"{model.family}.embedding_length": 4096,
            },
            "capabilities": [word for word, yes in can if yes],
            "modified_at": "2023-11-14T22:13:20Z",
        }
    )


def _props(models: Sequence[ServedModel], _body: Any) -> tuple[int, bytes]:
    model = models[0]
    return 200, to_json(
        {
            "default_generation_settings": {"id": 0, "n_ctx": model.window, "params": {}},
            "total_slots": 1,
            "model_path": f"/models/{model.name}",
            "modalities": {"vision": model.vision, "audio": model.audio},
            "chat_template": "{%- if tools %}{{ tools }}{%- endif %}" if model.tools else "{{ messages }}",
            "build_info": "b10499-standin",
        }
    )


PROBES: dict[str, Probe] = {
    "/": lambda _models, _body: (200, b"Ollama is running"),
    "/v1/models": lambda models, _body: _openai_models(models),
    "/v1/models vllm": _vllm_models,
    "/v1/models llamacpp": _llamacpp_models,
    "/api/version": lambda _models, _body: (200, b'{"version":"0.17.1"}'),
    "/api/tags": _tags,
    "/api/show": _show,
    "/api/ps": _running,
    "/api/v0/models": _lmstudio_models,
    "/props": _props,
    "/health": lambda _models, _body: (200, b'{"status":"ok"}'),
    "/version": lambda _models, _body: (200, b'{"version":"0.11.0"}'),
}
"""What is told, by path; a path with a word behind it is that server's own way."""


def find(models: Sequence[ServedModel], name: str) -> ServedModel | None:
    """Return the model of a name, with or without its ":latest"; the only one that nobody named answers to all."""
    for model in models:
        if name in (model.name, model.tag):
            return model
    return models[0] if len(models) == 1 and models[0].name == MODEL else None


def fitted(asked: Asked, model: ServedModel | None) -> Asked:
    """Return what a model of Ollama sees of a request: the oldest messages that do not fit are gone.

    The system's messages and the last one stay, as in Ollama's `server/prompt.go`.
    """
    if (
        asked.protocol != "ollama"
        or model is None
        or not model.truncates
        or not isinstance(asked.body, Mapping)
    ):
        return asked
    window = mapping(asked.body.get("options")).get("num_ctx")
    if not isinstance(window, int) or window <= 0:
        window = model.window
    kept = list(asked.messages)
    while len(kept) > 1 and sum(map(message_size, kept)) // 4 >= window:
        oldest = next((m for m in kept[:-1] if m.get("role") != "system"), None)
        if oldest is None:
            break
        kept.remove(oldest)
    return replace(asked, messages=tuple(kept), dropped=len(asked.messages) - len(kept), window=window)


def not_found(protocol: str, flavour: str, name: str) -> tuple[int, str, str]:
    """Return status, code and text for a model that does not exist, as its provider would."""
    if protocol == "ollama":
        return 404, "", f"model '{name}' not found"
    if protocol == "dashscope":
        return 404, "ModelNotFound", f"Model can not be found. The model '{name}' does not exist."
    if flavour == "ollama":
        return 404, "not_found_error", f"model '{name}' not found"
    said = json.dumps(name)[1:-1]
    return 404, "model_not_found", f"The model `{said}` does not exist or you do not have access to it."
