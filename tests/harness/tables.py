"""Tables of what tests of other programs found: shown as they grow, and kept for whoever runs them on several
platforms."""

import json
import os
import pathlib
import textwrap


def keep_table(name, columns):
    """Writes NAME.json into the folder $AUTHMILTER_TABLES, where it is set. `columns` has for each MTA, or for "",
    (what was done, what came of it) of every row."""
    folder = os.environ.get("AUTHMILTER_TABLES")
    if not folder:
        return
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.json").write_text(json.dumps({"name": name, "columns": columns}))


def print_row(cells, widths):
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, widths)]
    for line in range(max(map(len, columns))):
        texts = [column[line] if line < len(column) else "" for column in columns]
        print(" | ".join(text.ljust(width) for text, width in zip(texts, widths)).rstrip())
    print("-+-".join("-" * width for width in widths))
