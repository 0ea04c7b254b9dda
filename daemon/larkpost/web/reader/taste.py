"""The taste page: the strongest terms, their change, and how good the ranking was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost.editions.evaluate import FEWEST
from larkpost.web.reader import charts
from larkpost.web.reader.account import visitor

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.web.site import SiteContext


def taste(site: SiteContext, request: Request, _form: FormData) -> Response:
    """Answer ``/me/{token}/taste``; the result is cached until a vote or a paper arrives."""
    reader = visitor(site, request)
    program, now = site.program, site.clock()
    summary, report, failed = site.tastes.of(
        program.store,
        program.ranker,
        lambda: site.spaces.newest(program.store, program.ranker).space,
        reader,
        now=now,
        fewest=program.settings.web.thumb_count_step,
    )
    return site.pages.page(
        "reader/taste.html",
        leanings=[
            (one.interest, *charts.bars(one)) for one in summary.leanings if one.toward or one.away
        ],
        history=charts.way(summary.months),
        months=charts.table(summary.months),
        report=report,
        failed=failed,
        offer=summary.offer,
        scales=charts.scales(report) if report else [],
        fewest=FEWEST,
        chart=charts,
        path=site.pages.path(program.links.page(reader)),
    )
