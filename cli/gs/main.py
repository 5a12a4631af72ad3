"""Entry point of `gs` and `gitslice`.

Start-up is most of what a small command costs, so this module imports next to nothing and takes two shortcuts:
`gs --version` (with `--server`, the server's too), and the fast lane: `gs status` and `gs submit -m MESSAGE` with no flags but `--json`, `--quiet`, `-q`
run without click (`run(ctx, ...)` of their modules). Everything else goes through `gs.cli`. Exit codes:
`gitslice_core.errors.CODES`; 130 after Ctrl-C; 141 when the reader of our output went away, as a shell reports it.
"""

from __future__ import annotations

import os
import sys

from gs import output
from gs.errors import GsError

FAST_FLAGS = {"--json", "--quiet", "-q"}
FAST_OPTIONS = {
    "status": {},
    "submit": {"-m": "message", "--message": "message"},
}  # option -> parameter of `run`


def main() -> None:
    arguments = sys.argv[1:]
    if "TRACEPARENT" not in os.environ and "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ:
        sys.exit(run(arguments))
    from gs import tracing

    code = run(arguments)
    tracing.finish(arguments, code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code. Every exception ends here."""
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    output.configure(json="--json" in flags, quiet=False)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except GsError as error:
        return _fail(error)
    except (KeyboardInterrupt, EOFError):
        return 130
    except BrokenPipeError:
        # The rest of stdout has no reader; point it elsewhere, so that the interpreter's own flush stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        return _fail(_system_error(error))
    except Exception as error:  # the last resort: a person gets a sentence, GS_DEBUG the traceback
        return _fail(_unexpected(error))


def _dispatch(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from gs import __version__

        sys.stdout.write(f"gs {__version__}\n")
        return 0
    if {"--version", "--server"} <= set(arguments) <= {"--version", "--server", "--json"}:
        from gs.commands.version import run as tell_versions

        return tell_versions()
    fast = _plain(arguments)
    if fast is not None and "_GS_COMPLETE" not in os.environ:
        return _run_fast(arguments[0], *fast)
    from gs.cli import invoke

    return invoke(arguments)


def _plain(arguments: list[str]) -> tuple[set[str], dict[str, str]] | None:
    """The flags and options of a command line that the fast lane takes; None for every other."""
    if not arguments or arguments[0] not in FAST_OPTIONS:
        return None
    known = FAST_OPTIONS[arguments[0]]
    flags: set[str] = set()
    options: dict[str, str] = {}
    words = iter(arguments[1:])
    for word in words:
        value = next(words, None) if word in known else None
        if word in FAST_FLAGS:
            flags.add(word)
        elif value is not None:
            options[known[word]] = value
        else:
            return None
    return flags, options


def _run_fast(name: str, flags: set[str], options: dict) -> int:
    from gs.context import Context

    if name == "status":
        from gs.commands.status import run as perform
    else:
        from gs.commands.submit import run as perform  # type: ignore[assignment]
    json, quiet = "--json" in flags, bool(flags & {"--quiet", "-q"})
    output.configure(json=json, quiet=quiet)
    return perform(Context(json=json, quiet=quiet), **options) or 0


def _fail(error: GsError) -> int:
    sys.stdout.flush()
    output.report_error(error)
    sys.stdout.flush()
    return error.exit_code


def _system_error(error: OSError) -> GsError:
    if os.environ.get("GS_DEBUG"):
        raise error
    place = f"{error.filename}: " if error.filename else ""
    return GsError("failed", f"{place}{error.strerror or error}")


def _unexpected(error: Exception) -> GsError:
    if os.environ.get("GS_DEBUG"):
        raise error
    return GsError(
        "failed",
        f"gs stumbled over a fault of its own: {type(error).__name__}: {error}",
        "run it again with GS_DEBUG=1 and report the traceback",
    )


if __name__ == "__main__":
    main()
