"""The application for any WSGI server, and for Flask's command line."""

import sys

from ates.app import create_app
from ates.config import Config
from ates.kernel import logs
from ates.kernel.errors import ConfigError

try:
    config = Config.from_env()
    logs.configure(config.log_kind, hidden=config.secrets)
    app = create_app(config)
except ConfigError as refusal:  # a sentence, not a traceback; a supervisor must not try again
    print(refusal, file=sys.stderr)
    sys.exit(78)
