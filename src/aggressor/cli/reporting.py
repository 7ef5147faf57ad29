"""The command that reports what a run did."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from aggressor.cli.words import Json, show


def report(
    run: Path,
    /,
    *,
    html: Annotated[Path | None, Parameter(help="Write the page into this file.")] = None,
    number: Annotated[
        int | None,
        Parameter(
            name="--run",
            help="Only this run of the journal; else the account's whole life, of backtests the "
            "last.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Report what a run did and cost, with intervals; as one HTML page with pictures, or JSON.

    Parameters
    ----------
    run
        Folder or journal of a paper or live account, or of `backtest --journal`.
    """
    from aggressor.run.progress import progress
    from aggressor.run.reporting.report import Reported

    with progress(quiet=json) as step:
        told = Reported(run, number, step)
        document = told.document()
        if html is not None:
            from aggressor.reports.run_page import page_of, write_page
            from aggressor.run.reporting.report_pictures import pictures_of

            write_page(html, page_of(document, pictures_of(told, step)))
            document["page"] = str(html)
    show(document, json, "show_report")
