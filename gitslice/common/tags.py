"""Template tags of every page, built into the template engine."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zlib import crc32

from django import template
from django.conf import settings
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

ICONS = "vendor/lucide/icons.svg"
COLOURS = 8  # classes tone-0 to tone-7 of static/css/components.css
STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (30, "day"), (12, "month"))
OPS = {
    "add": ("file-plus", "added"),
    "delete": ("file-x", "deleted"),
    "rename": ("arrow-right", "renamed"),
}
SHOWN_DIGITS = 10
# Browsers name their relatives too: the first sign that is found counts.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A symbol of the icon set: decoration, unless it has a label."""
    return _icon(name, label)


@lru_cache(1000)  # a list may have thousands
def _icon(name: str, label: str) -> SafeString:
    address = f"{static(ICONS)}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, address
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@register.simple_tag
@lru_cache(100)
def op_icon(op: str) -> SafeString:
    """What happened to a file, as a symbol in the colour of its op."""
    name, label = OPS.get(op, ("file-pen", "changed"))
    return format_html('<span class="op-{}" title="{}">{}</span>', op, label, _icon(name, label))


@register.simple_tag
def avatar(username: str) -> SafeString:
    """The first letter of a name in a circle, in a colour that the name gives."""
    tone = crc32(username.encode()) % COLOURS
    return format_html(
        '<span class="avatar tone-{}" aria-hidden="true">{}</span>', tone, username[:1].upper()
    )


@register.filter
def ago(moment: datetime | str | None) -> SafeString | str:
    """`3 hours ago`, with the exact time as its title; takes ISO texts too."""
    if not moment:
        return ""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(),
        moment.strftime("%Y-%m-%d %H:%M"),
        _distance(moment),
    )


@register.filter
def short(digest: str | None) -> str:
    """The first digits of a commit's id."""
    return (digest or "")[:SHOWN_DIGITS]


@register.filter
def subject(message: str) -> str:
    """The first line of a message."""
    return message.partition("\n")[0]


@register.filter
def rest(message: str) -> str:
    """A message without its first line."""
    return message.partition("\n")[2].strip()


@register.filter
def basename(path: str) -> str:
    return path.rpartition("/")[2]


@register.filter
def folder(path: str) -> str:
    """The path of the folder that a path stands in; empty at the top."""
    return path.rpartition("/")[0]


@register.filter
def sentence(text: object) -> str:
    """A message as a sentence: with a capital, unless it begins with a name, and a full stop."""
    shown = str(text)
    first = shown.partition(" ")[0]
    capital = shown[:1] if not first.isalpha() else shown[:1].upper()
    return f"{capital}{shown[1:]}{'' if shown.endswith(('.', '!', '?')) else '.'}"


@register.filter
def spaced(word: str) -> str:
    """`in_review` as people write it."""
    return word.replace("_", " ")


@register.filter
def thousands(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


@register.simple_tag
def plural(number: int, one: str, many: str = "") -> str:
    """`1 file`, `2 files`, `12,345 files`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """The control of a form's field, without the placeholder that repeats its label."""
    return field.as_widget(attrs={"placeholder": False})


@register.simple_tag
def sends_mail() -> bool:
    """Does this server send mail? Else pages promise none."""
    return "dummy" not in settings.EMAIL_BACKEND


@register.filter
def browser(user_agent: str) -> str:
    """`Firefox on Linux`: what a browser says of itself, as far as people care."""
    name = next((name for sign, name in BROWSERS if sign in user_agent), "A program")
    system = next((f" on {name}" for sign, name in SYSTEMS if sign in user_agent), "")
    return name + system


def _distance(moment: datetime) -> str:
    amount = max((timezone.now() - moment).total_seconds(), 0)
    unit = "year"
    for size, name in STEPS:
        if amount < size:
            unit = name
            break
        amount /= size
    return "just now" if unit == "second" else f"{plural(int(amount), unit)} ago"
