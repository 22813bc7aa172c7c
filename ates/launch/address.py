"""The address of the pages: whether it may be used, is free, and answers."""

import argparse
import ipaddress
import socket
import urllib.request

from ates.kernel.errors import ConfigError


def port(word: str) -> int:
    """A port that can be named to people."""
    if not word.isdecimal() or not 1 <= int(word) <= 65535:
        raise argparse.ArgumentTypeError(f"{word} is no port: 1 to 65535")
    return int(word)


def positive(word: str) -> int:
    """At least one."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word}: write a whole number from 1")
    return int(word)


def refuse_network(host: str) -> None:
    """Raise ConfigError for a host that others reach over plain http, passwords included."""
    if not _is_loopback(host):
        raise ConfigError(
            f"--host {host} would show passwords to the network over plain http. Put a proxy"
            " with https in front, or say --insecure-http."
        )


def refuse_busy(host: str, number: int) -> None:
    """Raise ConfigError unless we could listen there."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        raise ConfigError(
            f"Port {number} on {host} cannot be used ({error.strerror or error})."
            " Name another with --port."
        ) from None


def url(host: str, number: int) -> str:
    """What to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://[{shown}]:{number}" if ":" in shown else f"http://{shown}:{number}"


def answers(host: str, number: int, path: str) -> bool:
    """Whether a GET there gives 200 now. No proxy stands between us and ourselves."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url(host, number) + path, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
