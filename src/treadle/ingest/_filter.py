"""Row filters: a condition in SQL over the columns of a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from treadle.errors import RowFilterError


def keep_mask(table: pa.Table, where: str) -> npt.NDArray[np.bool_]:
    """Which rows satisfy a condition such as ``payment_type = 1 and fare_amount > 0``.

    A row for which the condition is unknown (a null takes part in it) does not satisfy it, as in SQL.

    Raises:
        RowFilterError: The text is no condition, or names a column that is not there.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        # one thread keeps the order of the rows; the condition reads columns and nothing else
        connection.execute("set threads = 1")
        connection.register("rows", table)
        connection.execute("set enable_external_access = false")
        condition = f"cast(({where}\n) as boolean)"
        answer = connection.execute(f"select coalesce({condition}, false) as keep from rows").fetchnumpy()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise RowFilterError(
            f"The row filter cannot be evaluated: {first}",
            where={"where": where},
            hint=f"The columns are {', '.join(table.column_names)}.",
        ) from error
    finally:
        connection.close()
    mask: npt.NDArray[np.bool_] = answer["keep"]
    if len(mask) != table.num_rows:
        raise RowFilterError("The row filter is not a condition on one row.", where={"where": where})
    return mask
