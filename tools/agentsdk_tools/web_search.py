"""web_search: searches the web with ddgs, on one pinned engine.

ddgs hides what a server answered: a refused request (HTTP 202, 403, 429) becomes the same "No results found." as an
honest nothing. Its client is therefore watched, and the two are told apart. Its "auto" engine asks several in random
order; one is pinned, so that a search can be repeated.
"""

from __future__ import annotations

import threading
from typing import Any, Self

from agentsdk import tool
from agentsdk.errors import ToolError
from agentsdk.i18n import _

ENGINE = "duckduckgo"
MOST = 10
SECONDS = 10

_one_at_a_time = threading.Lock()
"""The client is watched by its class: two searches at once would see each other's answers."""


@tool(timeout=30)
def web_search(query: str, max_results: int = 5, region: str = "wt-wt") -> list[dict[str, str]]:
    """Return web pages that fit a query: title, url and a snippet each. Read a page whole with web_page.

    Args:
        query: what to search for.
        max_results: at most 10.
        region: country and language, such as "us-en" or "cn-zh"; "wt-wt" is everywhere.

    """
    return search(query, max_results, region)


def search(query: str, max_results: int = 5, region: str = "wt-wt") -> list[dict[str, str]]:
    """Return what the engine finds; nothing where it finds nothing.

    Raises:
        ToolError: the query is empty, the engine refuses, or there is no network.

    """
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException, TimeoutException

    if not query.strip():
        raise ToolError(_("The query is empty."))
    with _Watched() as watched:
        try:
            found = DDGS(timeout=SECONDS).text(
                query[:500], region=region, max_results=max(1, min(max_results, MOST)), backend=ENGINE
            )
        except TimeoutException as error:
            raise ToolError(
                _("The search did not answer within {seconds} s.").format(seconds=SECONDS)
            ) from error
        except DDGSException as error:
            if refused := watched.refused:
                raise ToolError(
                    _("The search engine refuses to answer (HTTP {status}).").format(status=refused),
                    why=_("It takes this for a machine, or for too many searches."),
                    fix=_("Wait some minutes, or ask less often."),
                ) from error
            if watched.answered and "no results" in str(error).lower():
                return []
            raise ToolError(
                _("The search engine cannot be reached."),
                why=str(error)[:300],
                fix=_("Check whether this machine has a network."),
            ) from error
    return [
        {"title": f.get("title", ""), "url": f.get("href", ""), "snippet": f.get("body", "")} for f in found
    ]


class _Watched:
    """Notes the status of each answer that ddgs gets: the one place where a refusal can be seen."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    @property
    def refused(self) -> int | None:
        """The status of a refusal, if there was one."""
        return next((s for s in self.statuses if s in (202, 403, 429) or s >= 500), None)

    @property
    def answered(self) -> bool:
        """Whether the engine answered at all."""
        return 200 in self.statuses

    def __enter__(self) -> Self:
        from ddgs.http_client import HttpClient

        _one_at_a_time.acquire()

        original = self._original = HttpClient.request
        statuses = self.statuses

        def request(client: Any, *args: Any, **kwargs: Any) -> Any:
            response = original(client, *args, **kwargs)
            statuses.append(response.status_code)
            return response

        setattr(HttpClient, "request", request)  # noqa: B010  # a plain assignment is one to a method, for mypy
        return self

    def __exit__(self, *_error: object) -> None:
        from ddgs.http_client import HttpClient

        setattr(HttpClient, "request", self._original)  # noqa: B010  # as above
        _one_at_a_time.release()
