"""Makes a tiny GGUF file of random weights: it says nothing sensible, and has the form of a real model.

Bytes are its vocabulary, and its chat template writes tools and calls in the Hermes form, as Qwen's do.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, TRAINED = 256, 2, 4, 512, 8192

TEMPLATE = r"""{%- if tools %}
{{- '<|im_start|>system\n# Tools\n<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools>\nA call: <tool_call>\n{"name": <name>, "arguments": <object>}\n</tool_call><|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' %}
{{- '<|im_start|>assistant\n' }}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}
{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""


def write(path: Path, *, seed: int = 0) -> Path:
    """Write the file, about 5 MB, and return its path; equal seeds give equal bytes."""
    random = np.random.default_rng(seed)
    alphabet = _alphabet()
    tokens = [*alphabet, "<|endoftext|>", "<|im_start|>", "<|im_end|>", alphabet[104] + alphabet[105]]
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL]
    out = gguf.GGUFWriter(path, "llama")
    out.add_context_length(TRAINED)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_vocab_size(len(tokens))
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("qwen2")
    out.add_token_list(tokens)
    out.add_token_types(kinds)
    out.add_token_merges([f"{alphabet[104]} {alphabet[105]}"])  # the loader insists on one
    out.add_bos_token_id(256)
    out.add_eos_token_id(258)
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)

    def weights(name: str, *shape: int) -> None:
        out.add_tensor(f"{name}.weight", (random.standard_normal(shape) * 0.05).astype(np.float32))

    def ones(name: str) -> None:
        out.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    weights("token_embd", len(tokens), WIDTH)
    weights("output", len(tokens), WIDTH)
    ones("output_norm")
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm")
        ones(f"blk.{layer}.ffn_norm")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{layer}.{part}", WIDTH, WIDTH)
        weights(f"blk.{layer}.ffn_gate", INNER, WIDTH)
        weights(f"blk.{layer}.ffn_up", INNER, WIDTH)
        weights(f"blk.{layer}.ffn_down", WIDTH, INNER)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def _alphabet() -> list[str]:
    """Return how GPT-2's byte-level vocabulary writes each byte: printable ones as they are, others from U+0100."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = {byte: chr(256 + at) for at, byte in enumerate(b for b in range(256) if b not in printable)}
    return [moved.get(byte, chr(byte)) for byte in range(256)]
