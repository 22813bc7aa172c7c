"""What `run` says: one screen when everything is ready, one line when something happens."""

import contextlib
import json

from ates.config import Config
from ates.launch.application import Application

FIRST_ADMIN = (
    "python3 -m ates auth create-person --email you@example.com --name You --role admin"
    " --password-stdin"
)


def say(sentence: str) -> None:
    """One line. A screen that was closed must not stop what runs."""
    with contextlib.suppress(BrokenPipeError):
        print(sentence, flush=True)


def ready(application: Application, config: Config) -> str:
    """Address, sign-ins, letters, files, how to stop."""
    letters = f"{config.mail_folder} and {config.url}/mailbox/ (nothing is sent)"
    return "\n".join(
        [
            "",
            f"  aTES is ready at {config.url}",
            "",
            *_people(application, config),
            "",
            f"  Letters   {'are sent over SMTP' if config.smtp_url else letters}",
            f"  Data      {config.data}",
            f"  Logs      {config.data / 'log'}",
            "  Stop      Ctrl-C",
            "",
        ]
    )


def _people(application: Application, config: Config) -> list[str]:
    """Who can sign in; in production that is nobody's business."""
    demo = [] if config.production else json.loads(application.ask("auth", "demo"))
    if demo:
        lines = [f"    {each['role']:<11} {each['email']:<28} {each['password']}" for each in demo]
        return ["  Sign in as", *lines]
    if application.ask("auth", "list-people").strip():
        return ["  Sign in with your e-mail address and password."]
    return [
        "  Nobody can sign in yet. Make the first admin (the password is read from the keyboard):",
        f"    {FIRST_ADMIN}",
    ]
