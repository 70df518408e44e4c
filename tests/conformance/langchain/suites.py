"""langchain-tests as each adapter runs them: what it is made with, what it can, and what its protocol lacks."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import SecretStr

from agentsdk.models.chat import DashScopeChat, OllamaChat, OpenAIChat
from tests.conformance.langchain.answering import CACHED, SERVER, THINK

Provider = Literal["openai", "ollama", "dashscope"]


class Adapter:
    """What is true of an adapter in the unit tests and in the integration tests. All switches are on at first."""

    adapter: str
    """What the table calls it."""
    provider: Provider
    others: dict[str, str] = {}
    """Tests that ask another model, each with its name: where none takes everything."""
    lacks: dict[str, str] = {}
    """Tests that are skipped, each with what the protocol lacks."""

    chat_model_class: type[Any]
    options: dict[str, Any] = {}
    model_override_value = ""

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    enable_vcr_tests = True

    init_from_env_params: tuple[dict[str, str], dict[str, Any], dict[str, Any]]


class Unit(Adapter, ChatModelUnitTests):
    """The unit tests: nothing is asked of a server."""

    method = "unit"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return self.options


class Integration(Adapter, ChatModelIntegrationTests):
    """The integration tests, with one of the three ways to structured output."""

    method: str
    supported_usage_metadata_details = {
        "invoke": ["reasoning_output", "cache_read_input"],
        "stream": ["reasoning_output", "cache_read_input"],
    }

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**self.options, "base_url": SERVER.url(self.provider)}

    @pytest.fixture
    def model(self, request: Any) -> BaseChatModel:
        options = {
            **self.standard_chat_model_params,
            **self.chat_model_params,
            **(getattr(request, "param", None) or {}),
        }
        other = self.others.get(request.node.originalname)
        made: BaseChatModel = self.chat_model_class(**options | ({"model": other} if other else {}))
        return made

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": self.method}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask(THINK, stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._ask(CACHED, stream=stream)

    def _ask(self, question: str, *, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
        if not stream:
            answer: AIMessage = model.invoke(question)
            return answer
        whole = None
        for chunk in model.stream(question):
            whole = chunk if whole is None else whole + chunk
        assert isinstance(whole, AIMessage)
        return whole


class ChatCompletions(Adapter):
    adapter, provider, chat_model_class = "OpenAI, Chat Completions", "openai", OpenAIChat
    options = {"model": "gpt-4o-audio-preview", "api_key": SecretStr("test-key")}
    model_override_value = "gpt-4o-mini"
    # What hears does not see.
    others = dict.fromkeys(("test_image_inputs", "test_image_tool_message", "test_anthropic_inputs"), "gpt-4o")
    init_from_env_params = (
        {"OPENAI_API_KEY": "test-key", "OPENAI_ORG_ID": "an-org", "OPENAI_API_BASE": "http://127.0.0.1:9/v1"},
        {},
        {
            "openai_api_key": "test-key",
            "openai_organization": "an-org",
            "openai_api_base": "http://127.0.0.1:9/v1",
        },
    )


class Responses(ChatCompletions):
    adapter = "OpenAI, Responses"
    options = {"model": "gpt-5-mini", "api_key": SecretStr("test-key"), "use_responses_api": True}
    model_override_value = "gpt-5"
    supports_audio_inputs = False
    others: dict[str, str] = {}
    lacks = {"test_audio_inputs": "input is text, image or file (openai.types.responses.ResponseInputContent)"}


class Ollama(Adapter):
    adapter, provider, chat_model_class = "Ollama", "ollama", OllamaChat
    options = {"model": "llama3.2-vision"}
    model_override_value = "qwen3:8b"
    init_from_env_params = ({"OLLAMA_API_KEY": "test-key"}, {"model": "llama3.1"}, {"api_key": "test-key"})
    supports_pdf_inputs = supports_audio_inputs = supports_pdf_tool_message = False
    supported_usage_metadata_details: dict[str, list[str]] = {"invoke": [], "stream": []}
    lacks = {
        "test_pdf_inputs": "a message of /api/chat holds text and images, and no other field for media",
        "test_pdf_tool_message": "a message of /api/chat holds text and images, and no other field for media",
        "test_audio_inputs": "a message of /api/chat holds text and images, and no other field for media",
    }


class DashScope(Adapter):
    adapter, provider, chat_model_class = "DashScope", "dashscope", DashScopeChat
    options = {"model": "qwen3-omni-flash", "api_key": SecretStr("test-key")}
    model_override_value = "qwen3-vl-plus"
    init_from_env_params = (
        {"DASHSCOPE_API_KEY": "test-key", "DASHSCOPE_BASE_URL": "http://127.0.0.1:9/api/v1"},
        {},
        {"api_key": "test-key", "base_url": "http://127.0.0.1:9/api/v1"},
    )
    supports_pdf_inputs = supports_pdf_tool_message = False
    lacks = {
        "test_pdf_inputs": "a part is text, image, audio or video; documents go through the files service",
        "test_pdf_tool_message": "a part is text, image, audio or video; documents go through the files service",
    }
