"""What every command needs to know: output mode, server, working directory, and names as people write them."""

from __future__ import annotations

import os

from gs import config
from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from gs.http import Api
    from gs.workdir.binding import Binding

PAGE = 50  # items of a list unless --limit says otherwise

_named: list[str] = []  # the organization that this command line named, if it named one


def advice(command: str) -> str:
    """A command that one might run next, for the organization that this command line named: without it, a changeset of
    the same number in one's own organization would be meant."""
    if not _named:
        return command
    import re

    organization = _named[-1]
    command = re.sub(r"(?<!/)\bcl-(\d+)", rf"{organization}/cl-\1", command)
    return f"{command} --org {organization}" if command.startswith("gs global ") else command


class Context:
    """One run of one command. `api()` and `binding()` are found when first asked for."""

    def __init__(self, *, json: bool = False, quiet: bool = False, start: str | None = None):
        self.json = json
        self.quiet = quiet
        self.start = start  # folder to look for a working directory from; None: the current one
        self._api: Api | None = None
        self._binding: Binding | None = None
        self._organization: str | None = None

    def api(self) -> Api:
        """The `gs.http.Api` of the configured server. Raises GsError `unauthenticated` without a token."""
        if self._api is None:
            from gs.http import Api

            endpoint = config.endpoint()
            token = config.token(endpoint)
            if not token:
                raise GsError("unauthenticated", f"you are not signed in to {endpoint}", "gs auth login")
            self._api = Api(endpoint, token)
        return self._api

    def binding(self) -> Binding | None:
        """The `gs.workdir.binding.Binding` around here, or None."""
        if self._binding is None:
            from gs.workdir.binding import find

            self._binding = find(self.start or os.getcwd())
        return self._binding

    def require_binding(self) -> Binding:
        """As `binding()`, raising GsError `not_a_working_directory`."""
        binding = self.binding()
        if binding is None:
            raise GsError(
                "not_a_working_directory",
                "this is not a working directory of a slice",
                "gs init ORG/SLICE DIR makes one",
            )
        return binding

    def named_organization(self, text: str | None) -> str:
        """The organization that an option names, else as `organization()`."""
        if text:
            _named.append(text)
        return text or self.organization()

    def organization(self) -> str:
        """The organization of names without one: environment, working directory, configuration, the only one I am in."""
        if self._organization is None:
            self._organization = self._find_organization()
        return self._organization

    def _find_organization(self) -> str:
        value, origin = config.lookup("organization")
        if value and origin in ("environment", "working directory"):
            return value
        if binding := self.binding():
            return binding.org
        return value or self._only_organization()

    def _only_organization(self) -> str:
        names = [item["organization"] for item in self.api().get("me/")["organizations"]]
        if len(names) == 1:
            return names[0]
        if not names:
            raise GsError(
                "organization_not_found", "you are in no organization yet", "ask an owner to invite you"
            )
        raise GsError(
            "usage",
            f"you are in {len(names)} organizations: {', '.join(names)}",
            "write ORG/NAME, or choose a default: gs config set organization ORG",
        )

    def parse_slice(self, text: str) -> tuple[str, str]:
        """`org/slice` or `slice` as (org, slice)."""
        organization, separator, name = text.rpartition("/")
        if "/" in organization or not name or (separator and not organization):
            raise GsError("usage", f"{text!r} is not the name of a slice", "write it as ORG/SLICE")
        return self.named_organization(organization), name

    def parse_service_account(self, text: str) -> tuple[str, str]:
        """`org/name` or `name` as (org, name)."""
        organization, separator, name = text.rpartition("/")
        if "/" in organization or not name or (separator and not organization):
            raise GsError("usage", f"{text!r} is not the name of a service account", "write it as ORG/NAME")
        return organization or self.organization(), name

    def slice_or_current(self, text: str | None) -> tuple[str, str]:
        """As `parse_slice`; without text the slice of the working directory."""
        if text:
            return self.parse_slice(text)
        binding = self.require_binding()
        return binding.org, binding.slice

    def tree_path(self, text: str) -> str:
        """A path as typed here, as a path of the slice: seen from the root of the working directory around."""
        import os

        binding = self.binding()
        if binding is None:
            return text.strip("/")
        path = os.path.relpath(os.path.join(self.start or os.getcwd(), text), binding.root)
        if path.startswith(".."):
            raise GsError("usage", f"{text} is outside the working directory {binding.root}")
        return "" if path == "." else path

    def parse_changeset(self, text: str | None) -> tuple[str, int]:
        """`cl-1042`, `1042` or `org/cl-1042` as (org, number); without text the changeset of the working directory."""
        if not text:
            binding = self.require_binding()
            if not binding.changeset:
                raise GsError(
                    "changeset_not_found",
                    "this working directory has no current changeset",
                    "name one (cl-1042), or make one: gs changeset create -m MESSAGE",
                )
            return binding.org, changeset_number(binding.changeset)
        organization, separator, name = text.rpartition("/")
        if "/" in organization or (separator and not organization):
            raise GsError("usage", f"{text!r} is not a changeset", "write it as cl-1042 or ORG/cl-1042")
        number = changeset_number(name)
        return self.named_organization(organization), number


def changeset_number(text: str) -> int:
    """1042 of `cl-1042` or `1042`. Raises GsError `usage`."""
    digits = text.lower().removeprefix("cl-")
    if not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
        raise GsError("usage", f"{text!r} is not a changeset", "write it as cl-1042")
    return int(digits)


def slice_path(organization: str, name: str) -> str:
    """The address of a slice in the API: `slices/acme/billing/`."""
    from gs.http import quote

    return f"slices/{quote(organization)}/{quote(name)}/"


def organization_path(organization: str) -> str:
    """The address of an organization in the API: `orgs/acme/`."""
    from gs.http import quote

    return f"orgs/{quote(organization)}/"


def service_account_path(organization: str, name: str) -> str:
    """The address of a service account in the API: `orgs/acme/service-accounts/deploy/`."""
    from gs.http import quote

    return f"{organization_path(organization)}service-accounts/{quote(name)}/"


def global_path(organization: str) -> str:
    """The address of the global state in the API: `global/acme/`."""
    from gs.http import quote

    return f"global/{quote(organization)}/"


def changeset_path(organization: str, number: int) -> str:
    """The address of a changeset in the API: `changesets/acme/1042/`."""
    from gs.http import quote

    return f"changesets/{quote(organization)}/{number}/"
