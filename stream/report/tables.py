"""A report as numbers: CSV for spreadsheets, JSON for programs."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from stream.report.record import EVENTS, LABELS, Report, Row, Total, total

VIEWS = (LABELS, EVENTS)


def to_csv(reports: Sequence[Report]) -> str:
    """Write one row per video, view and label; seconds to the microsecond, so that a column adds up exactly."""
    rows = ((report.video, row) for report in reports for view in VIEWS for row in report.rows(view))
    return _csv(("video", *Row._fields), ((video, *row) for video, row in rows))


def total_csv(reports: Sequence[Report]) -> str:
    """Write one row per view and label of all videos together."""
    return _csv(Total._fields, (row for view in VIEWS for row in total(reports, view)))


def to_json(report: Report) -> dict[str, Any]:
    """Return what a report says, as JSON takes it."""
    return {
        "video": report.video,
        "model": report.card.name,
        "length_s": report.length_s,
        "is_complete": report.is_complete,
        **({"note": report.note} if report.note else {}),
        **{view: [_fields(row) for row in report.rows(view)] for view in VIEWS},
    }


def total_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return what all reports say together, as JSON takes it."""
    return {
        "videos": [report.video for report in reports],
        "model": reports[0].card.name,
        "length_s": sum(report.length_us for report in reports) / 1e6,
        **{view: [_fields(row) for row in total(reports, view)] for view in VIEWS},
    }


def _fields(row: Row | Total) -> dict[str, Any]:
    fields = row._asdict()
    del fields["view"]
    return fields | {"share": round(row.share, 6)}


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    with io.StringIO(newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([f"{value:.6f}" if isinstance(value, float) else value for value in row] for row in rows)
        return file.getvalue()
