"""What LangChain is told of a model: our facts about its family and its server, by the names of a ModelProfile."""

from __future__ import annotations

from langchain_core.language_models import ModelProfile

from agentsdk.models.profiles import SERVERS, family_of


def profile_of(model: str, server: str) -> ModelProfile:
    """Return what is known of a model on a server, without asking the server."""
    family, on = family_of(model), SERVERS[server]
    profile = ModelProfile(
        name=model,
        text_inputs=True,
        image_inputs=family.vision and "image" in on.media,
        image_url_inputs=family.vision and "image" in on.media and on.media_urls,
        audio_inputs=family.audio and "audio" in on.media,
        video_inputs=family.video and "video" in on.media,
        pdf_inputs="file" in on.media,
        text_outputs=True,
        reasoning_output=family.thinking != "never",
        tool_calling=family.tools,
        tool_choice=family.tools,  # where the server has none, it is emulated
        structured_output=bool(on.output) and family.json_schema,
        temperature=family.takes_sampling,
    )
    if family.context:
        profile["max_input_tokens"] = family.context
    if family.output:
        profile["max_output_tokens"] = family.output
    if family.efforts:
        profile["reasoning_effort_levels"] = list(family.efforts)
    return profile
