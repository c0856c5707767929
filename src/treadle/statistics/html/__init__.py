"""Statistics as one HTML file that needs nothing else: no network, no fonts, no library.

Two data sets stand side by side in every chart. Everything is drawn here, as SVG; the page's own script only filters,
sorts and switches the scale.
"""

from treadle.statistics.html._page import fragment, page

__all__ = ["fragment", "page"]
