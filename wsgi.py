"""The application for any WSGI server, and for Flask's command line."""

import sys

from ates.app import create_app
from ates.config import Config
from ates.kernel.errors import ConfigError

try:
    app = create_app(Config.from_env())
except ConfigError as refusal:  # a sentence, not a traceback; a supervisor must not try again
    print(refusal, file=sys.stderr)
    sys.exit(78)
