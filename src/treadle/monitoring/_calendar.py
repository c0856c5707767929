"""Windows and durations in event time: naive timestamps, as the data carries them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from treadle.errors import MonitoringError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WRITTEN = re.compile(r"(\d{1,4})(mo|w|d|h)|(\d{1,6})(m)")  # as many minutes as make up any number of hours


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: whole calendar months, or an exact time; written ``3mo``, ``2w``, ``10d``, ``12h``, ``30m``."""

    months: int = 0
    exact: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read a duration.

        Raises:
            MonitoringError: The text is not a whole number followed by ``mo``, ``w``, ``d``, ``h`` or ``m``.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise MonitoringError(
                f"{text!r} is not a length of time", hint="Write a whole number and a unit: 3mo, 2w, 10d, 12h or 30m."
            )
        number, unit = int(match[1] or match[3]), match[2] or match[4]
        return cls(months=number) if unit == "mo" else cls(exact=timedelta(**{_UNITS[unit]: number}))

    def after(self, moment: datetime) -> datetime:
        """The moment this long after ``moment``; a day that the month lacks becomes its last day."""
        return _add_months(moment, self.months) + self.exact

    def before(self, moment: datetime) -> datetime:
        """The moment this long before ``moment``."""
        return _add_months(moment, -self.months) - self.exact


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open interval of event time, ``start <= t < end``."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """The shortest usual name: ``2019-02`` for a month, else the start to the day, hour or minute."""
        if self.start.day == 1 and not self.start.hour and self.end == _add_months(self.start, 1):
            return f"{self.start:%Y-%m}"
        if self.start.minute or self.end.minute:
            return f"{self.start:%Y-%m-%dT%H:%M}"
        return f"{self.start:%Y-%m-%dT%H}" if self.start.hour or self.end.hour else f"{self.start:%Y-%m-%d}"


def windows(first: datetime, until: datetime, period: Duration) -> Iterator[Window]:
    """The closed windows of one ``period`` each from ``first``, up to the last that ends by ``until``.

    Raises:
        MonitoringError: The period has no length.
    """
    if period.after(first) <= first:
        raise MonitoringError("A window needs a length", hint="Use a period such as 1mo or 7d.")
    number = 0
    start = first
    while True:
        number += 1
        # From the first start each time: adding months one by one would drift from the 31st to the 28th.
        end = _add_months(first, period.months * number) + period.exact * number
        if end > until:
            return
        yield Window(start, end)
        start = end


def _add_months(moment: datetime, months: int) -> datetime:
    if not months:
        return moment
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    following = datetime(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))
