"""`python3 -m ates init`: prepare or upgrade the data folder, start nothing."""

import os
import sys
from pathlib import Path

from ates.kernel.errors import ConfigError
from ates.launch import bootstrap, folder


def main() -> int:
    """Exit 0 when everything is ready, 78 with a sentence when the start is forbidden."""
    try:
        environ = bootstrap.environment(os.environ)
        data = Path(environ["ATES_DATA"])
        folder.make(data)
        with folder.Lock(data, "init"):
            config = folder.prepare(environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78
    print(f"{config.data} is ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
