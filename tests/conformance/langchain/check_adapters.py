"""langchain-tests against each adapter: unit tests once, integration tests in the three ways to structured output."""

from tests.conformance.langchain import suites


class TestChatCompletionsUnit(suites.ChatCompletions, suites.Unit):
    pass


class TestResponsesUnit(suites.Responses, suites.Unit):
    pass


class TestOllamaUnit(suites.Ollama, suites.Unit):
    pass


class TestDashScopeUnit(suites.DashScope, suites.Unit):
    pass


class TestChatCompletionsJsonSchema(suites.ChatCompletions, suites.Integration):
    method = "json_schema"


class TestChatCompletionsFunctionCalling(suites.ChatCompletions, suites.Integration):
    method = "function_calling"


class TestChatCompletionsJsonMode(suites.ChatCompletions, suites.Integration):
    method = "json_mode"


class TestResponsesJsonSchema(suites.Responses, suites.Integration):
    method = "json_schema"


class TestResponsesFunctionCalling(suites.Responses, suites.Integration):
    method = "function_calling"


class TestResponsesJsonMode(suites.Responses, suites.Integration):
    method = "json_mode"


class TestOllamaJsonSchema(suites.Ollama, suites.Integration):
    method = "json_schema"


class TestOllamaFunctionCalling(suites.Ollama, suites.Integration):
    method = "function_calling"


class TestOllamaJsonMode(suites.Ollama, suites.Integration):
    method = "json_mode"


class TestDashScopeJsonSchema(suites.DashScope, suites.Integration):
    method = "json_schema"


class TestDashScopeFunctionCalling(suites.DashScope, suites.Integration):
    method = "function_calling"


class TestDashScopeJsonMode(suites.DashScope, suites.Integration):
    method = "json_mode"
