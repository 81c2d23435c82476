"""Encodes a conversation as Gemini's `systemInstruction` and `contents`.

Sources: https://ai.google.dev/api/caching#Content, https://ai.google.dev/gemini-api/docs/function-calling and
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from llm_gateway.canonical import Image, Message, Part, Reasoning, Refusal, Text, ToolCall
from llm_gateway.catalog.models import Model
from llm_gateway.dialects.common.call_arguments import read_arguments
from llm_gateway.dialects.gemini.call_ids import id_field
from llm_gateway.dialects.gemini.models import fetches_urls, is_modern
from llm_gateway.errors import InvalidRequest

_UNSIGNED = "skip_thought_signature_validator"
"""What Google accepts in place of a missing signature, as on a call that another model made."""

_EXTENSIONS = {
    "gif": "image/gif", "heic": "image/heic", "heif": "image/heif", "jpeg": "image/jpeg", "jpg": "image/jpeg",
    "png": "image/png", "webp": "image/webp",
}  # fmt: skip

Json = dict[str, Any]


class Conversation:
    """The messages of one request to `model`: the system instruction, and alternating turns.

    Raises InvalidRequest for a tool result without its call, arguments that are not an object, an image URL that Gemini
    cannot read, or a conversation without content.
    """

    def __init__(self, messages: tuple[Message, ...], model: Model) -> None:
        self.system: list[Json] = []
        self.contents: list[Json] = []
        self._model = model
        self._called: dict[str, str] = {}  # names of tools by the ids of their calls
        for message in messages:
            self._add(message)
        if not self.contents:  # Gemini needs a user's turn: system messages alone are sent as one
            self.system, instruction = [], self.system
            self._say("user", instruction)
        if not self.contents:
            raise InvalidRequest("messages: there is nothing to answer", param="messages")
        if is_modern(model.id):
            _sign(self.contents)

    def _add(self, message: Message) -> None:
        match message.role:
            case "system":
                self.system += [{"text": part.text} for part in message.content if isinstance(part, Text) and part.text]
            case "assistant":
                self._say("model", list(self._answered(message)))
            case "tool":
                self._say("user", self._tool_result(message))
            case _:
                self._say("user", list(self._media(message.content)))

    def _say(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    # --- what a user sends ---

    def _media(self, content: tuple[Part, ...]) -> Iterator[Json]:
        for part in content:
            if isinstance(part, Text) and part.text:
                yield {"text": part.text}
            elif isinstance(part, Image):
                yield _inline(part) if part.data is not None else _linked(part, self._model.id)

    def _tool_result(self, message: Message) -> list[Json]:
        id_ = message.tool_call_id or ""
        name = self._called.get(id_) or message.name
        if name is None:
            raise InvalidRequest("messages: a tool result without the call that it answers", param="messages")
        # Always as text: Gemini reads a `$ref` within an object as the name of one of its parts.
        key = "error" if message.is_error else "result"
        response: Json = {**id_field(id_), "name": name, "response": {key: message.text()}}
        images = list(self._media(tuple(part for part in message.content if isinstance(part, Image))))
        within = [image for image in images if "inlineData" in image] if is_modern(self._model.id) else []
        if within:
            response["parts"] = within
        return [{"functionResponse": response}, *(image for image in images if image not in within)]

    # --- what a model answered ---

    def _answered(self, message: Message) -> Iterator[Json]:
        """Yields an assistant's parts. A signature is put on the next call, or on the next text if no call follows."""
        waiting: deque[str] = deque()
        signable: Json | None = None  # the text after the last pending signature
        for part in message.content:
            match part:
                case Reasoning(redacted=False, signature=str(signature)) if part.provider == self._model.provider:
                    if part.text:
                        yield {"text": part.text, "thought": True, "thoughtSignature": signature}
                        continue
                    if signable is not None:
                        signable["thoughtSignature"], signable = waiting.pop(), None
                    waiting.append(signature)
                case Text() | Refusal() if part.text:
                    said: Json = {"text": part.text}
                    if waiting and signable is None:
                        signable = said
                    yield said
                case ToolCall():
                    signable = None
                    yield self._call(part) | ({"thoughtSignature": waiting.popleft()} if waiting else {})
                case _:
                    pass
        if signable is not None:
            signable["thoughtSignature"] = waiting.pop()
        for signature in waiting:
            yield {"text": "", "thoughtSignature": signature}

    def _call(self, call: ToolCall) -> Json:
        arguments = read_arguments(call.arguments)
        if not isinstance(arguments, dict):
            raise InvalidRequest(
                f"messages: the arguments of the call of {call.name[:100]} are not a JSON object", param="messages"
            )
        self._called[call.id] = call.name
        return {"functionCall": {**id_field(call.id), "name": call.name, "args": arguments}}


def _inline(image: Image) -> Json:
    return {"inlineData": {"mimeType": image.media_type or "image/jpeg", "data": image.data}}


def _linked(image: Image, model_id: str) -> Json:
    """Returns an image by a URL that Gemini reads itself: a public one, or a file in Google's storage.

    Source: https://ai.google.dev/gemini-api/docs/file-input-methods
    """
    url = image.url or ""
    scheme = url.partition(":")[0].lower()
    if scheme not in ("https", "gs") or not fetches_urls(model_id):
        raise InvalidRequest(
            "messages: this model reads images from https addresses only where it is recent; send the image itself",
            param="messages",
            code="image_url_unsupported",
        )
    path = url.partition("?")[0]
    media_type = image.media_type or _EXTENSIONS.get(path.rpartition(".")[2].lower())
    return {"fileData": {**({"mimeType": media_type} if media_type else {}), "fileUri": url}}


def _sign(contents: list[Json]) -> None:
    """Signs the first call of each step in the current turn, if it has no signature: Gemini refuses the request
    otherwise."""
    for content in reversed(contents):
        if content["role"] == "user":
            if not any("functionResponse" in part for part in content["parts"]):
                return
            continue
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None:
            first.setdefault("thoughtSignature", _UNSIGNED)
