"""Agents: the MCP server, whose answers are JSON and a picture, and whose errors say what works.

Gradio's own hands numbers over as Python's text, asks for pictures by an address that this page does not fetch, and
would send files of the server on behalf of an agent. Its transport and its tools are used, its words are not.
"""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradio import mcp

PICTURE = (
    'A picture: base64 of a PNG, JPEG, WebP, AVIF, HEIC or TIFF file, with or without "data:image/png;base64," before '
    "it; or the path that a POST of the file to /gradio_api/upload answered."
)
SHORTEST = 100  # characters of a picture in base64; a path is shorter, or has other characters
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")


class Agents(mcp.GradioMCPServer):
    """Gradio's MCP server with our schemes, answers, progress and errors."""

    _file_data_tool_description = ""

    def simplify_filedata_schema(self, schema: dict[str, Any]) -> tuple[dict[str, Any], list[list[str | int]]]:
        """The scheme, in which a picture is a text, and the names of the pictures."""
        simple, places = super().simplify_filedata_schema(schema)
        names = [list(place[-1:]) for place in places]
        for name in (str(item) for (item,) in names):
            told = simple["properties"][name]
            kept = {key: told[key] for key in ("title", "default") if key in told}
            simple["properties"][name] = {"type": "string", "description": PICTURE} | kept
        return simple, names

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        """The arguments with each picture as the page's own doors take it, whatever was sent."""
        if not isinstance(value, Mapping):
            return value
        pictures = {place[-1] for place in filedata_positions}
        return {name: _picture(item) if name in pictures else item for name, item in value.items()}

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        """As gradio's; a tool or an argument that does not exist is answered with those that do."""
        if name not in self.tool_to_endpoint:
            raise ValueError(f"There is no tool {name[:40]!r}; there are {', '.join(sorted(self.tool_to_endpoint))}.")
        known = self.get_input_schema(name)[0]["properties"]
        unknown = [argument for argument in arguments if argument not in known]
        if unknown:
            raise ValueError(f"{name} takes no {unknown[0][:40]!r}; it takes {', '.join(known)}.")
        return super()._prepare_tool_call_args(name, arguments)

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        return await self._answered(job, None)

    async def _execute_tool_with_progress(self, job: Any, progress_token: str | int) -> Any:
        return await self._answered(job, progress_token)

    async def _answered(self, job: Any, token: str | int | None) -> list[Any]:
        """What a run answers; on the way its progress goes to the agent, in the run's own words."""
        context = self.mcp_server.request_context
        async for update in job:
            if update.type != "output":
                continue
            if update.final:
                if update.success:
                    return list(update.outputs["data"])
                raise RuntimeError(update.outputs.get("error") or "The run failed; try again.")
            told = _progress(update.outputs)
            if token is not None and told is not None:
                await context.session.send_progress_notification(
                    progress_token=token,
                    progress=told["step"],
                    total=told["total"],
                    message=told["message"],
                    related_request_id=str(context.request_id),
                )
        raise job.exception() or RuntimeError("The run ended without an answer; try again.")

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """One JSON text {numbers, files: {name: address}}, or the numbers alone, then the figure as an image."""
        if len(data) == 1:
            return [self.types.TextContent(type="text", text=_json(data[0]))]
        figure, numbers, files = data
        addresses = {
            Path(str(file["path"])).name: f"{root_url.rstrip('/')}/gradio_api/file={file['path']}" for file in files
        }
        picture = base64.b64encode(Path(str(figure["path"])).read_bytes()).decode()
        return [
            self.types.TextContent(type="text", text=_json({"numbers": numbers, "files": addresses})),
            self.types.ImageContent(type="image", data=picture, mimeType="image/png"),
        ]


def install() -> None:
    """Let gradio's `launch(mcp_server=True)` start this server."""
    mcp.GradioMCPServer = Agents  # type: ignore[misc]


def _picture(sent: Any) -> Any:
    """What the page's doors take: base64 without a word of its own gets one. No `meta`, for which a client would send
    a file of the machine that it runs on, which here is the server.
    """
    if not isinstance(sent, str):
        return sent
    plain = len(sent) > SHORTEST and _BASE64.fullmatch(sent)
    return {"path": f"data:;base64,{''.join(sent.split())}" if plain else sent}


def _progress(outputs: Any) -> dict[str, Any] | None:
    """{step, total, message} among what a run yields on the way, None where it is none."""
    for item in outputs.get("data", ()) if isinstance(outputs, dict) else outputs or ():
        if isinstance(item, dict) and {"step", "total", "message"} <= set(item):
            return item
    return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
