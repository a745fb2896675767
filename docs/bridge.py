"""Keep what a run along α shows in a browser, for the page that ``make docs`` makes of it.

``python docs/bridge.py RUN`` writes ``docs/bridge/RUN.json``; ``alpha-bridge export RUN --page``
makes the whole page, of the same content.
"""

import json
import sys
from pathlib import Path

from alpha_bridge.runs.bridge_page import content_of
from alpha_bridge.runs.opening import open_run

if __name__ == "__main__":
    content = content_of(open_run(Path(sys.argv[1])))
    path = Path(__file__).parent / "bridge" / f"{content['title']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{json.dumps(content)}\n")
    print(path)
