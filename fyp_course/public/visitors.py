"""The kernels of the public playground: limits concurrent visitors and removes their files when
they leave."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer

from fyp_course.visit import remove_left_over


class Visitors(AsyncMappingKernelManager):
    """Voila's kernels, one for each visitor."""

    max_visitors = Integer(8, config=True, help="visitors at the same time")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._starting = 0

    async def start_kernel(self, **options: Any) -> str:  # type: ignore[override]
        """A kernel for a new visitor; HTTP error 503 where there are too many."""
        if len(self) + self._starting >= self.max_visitors:
            sentence = f"{self.max_visitors} visitors are here, no more fit in: come back later"
            raise HTTPError(503, reason=sentence)  # which is what the page shows
        self._starting += 1
        try:
            return await super().start_kernel(**options)
        finally:
            self._starting -= 1

    async def shutdown_kernel(  # type: ignore[override]
        self, kernel_id: str, now: bool = False, restart: bool = False
    ) -> None:
        """End a visit, and remove what a killed kernel could not remove itself."""
        await super().shutdown_kernel(kernel_id, now=now, restart=restart)
        remove_left_over(Path(tempfile.gettempdir()), "visitor")
