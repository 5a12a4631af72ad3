// What pages do beyond reading. Everything here is a convenience: pages work without it.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Theme: system, light, dark by turns.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-toggle]");
  if (!button) return;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const shown = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  const theme = shown === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("theme", theme); } catch { /* not kept */ }
});

// Menus close when one clicks elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// The tab that one is on is in sight, where a phone does not show all.
{
  const tab = $(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;
}

// Copy buttons.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});

// Fields that send their form when they change.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// Lines: #L10 and #L10-L20. A click on a number chooses a line, with Shift a range.
function shownRange() {
  const match = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
  return match && [Number(match[1]), Number(match[2] || match[1])].sort((a, b) => a - b);
}
function markLines(scroll) {
  for (const line of $$(".line.chosen")) line.classList.remove("chosen");
  const range = shownRange();
  if (!range) return;
  for (let number = range[0]; number <= range[1]; number++) {
    document.getElementById(`L${number}`)?.classList.add("chosen");
  }
  if (scroll) document.getElementById(`L${range[0]}`)?.scrollIntoView({ block: "center" });
}
document.addEventListener("click", (event) => {
  const link = event.target.closest(".line-number");
  if (!link) return;
  event.preventDefault();
  const number = Number(link.textContent);
  const range = event.shiftKey && shownRange();
  const [first, last] = range ? [Math.min(range[0], number), Math.max(range[0], number)] : [number, number];
  history.replaceState(null, "", first === last ? `#L${first}` : `#L${first}-L${last}`);
  markLines(false);
});
addEventListener("hashchange", () => markLines(true));
markLines(true);

// A comment on a line: its form opens below the line. With Shift it is about all lines since the one before.
let said = null; // the line that was chosen last
document.addEventListener("click", (event) => {
  const link = event.target.closest(".say");
  const page = link?.closest("[data-comment-form]");
  if (page) {
    event.preventDefault();
    const path = link.closest("[data-path]").dataset.path;
    const { line, side = "new" } = link.dataset;
    const together = event.shiftKey && said?.path === path && said.side === side;
    const [start, end] = together ? [said.line, Number(line)].sort((a, b) => a - b) : [Number(line), Number(line)];
    said = { path, side, line: Number(line) };
    const query = new URLSearchParams({ path, line: end, start, side });
    const text = $("#note")?.value || "";
    for (const row of $$("tr.notes:has([data-drop-row])")) row.remove();
    htmx.ajax("GET", `${page.dataset.commentForm}&${query}`, { target: link.closest("tr"), swap: "afterend" }).then(() => {
      const note = $("#note");
      if (note) { note.value = text; note.focus(); }
    });
  }
  if (event.target.closest("[data-drop-row]")) event.target.closest("tr").remove();
});

// A suggestion begins with the lines as they are.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-suggest]");
  const field = button?.form.querySelector("textarea");
  if (!field) return;
  const lines = button.dataset.suggest.replace(/\n$/, "");
  const fence = "`".repeat(Math.max(3, ...(lines.match(/`+/g) || []).map((run) => run.length + 1)));
  const before = field.value && !field.value.endsWith("\n") ? `${field.value}\n` : field.value;
  field.value = `${before}${fence}suggestion\n${lines}\n${fence}\n`;
  const start = before.length + fence.length + "suggestion\n".length;
  field.focus();
  field.setSelectionRange(start, start + lines.length);
});

// Live parts: they ask for themselves again when something happened, as long as the page is looked at. Events come one by
// one; what comes together is asked for once.
let stream = null;
let last = "";
let soon = 0;
function happened() {
  clearTimeout(soon);
  soon = setTimeout(() => { if ($("[data-events]")) htmx.trigger($("[data-events]"), "happened"); }, 150);
}
function watch() {
  const part = $("[data-events]");
  if (!part || document.hidden || stream) return;
  stream = new EventSource(part.dataset.events + (last ? `&last_event_id=${last}` : ""));
  stream.onopen = happened; // what came between the page and the stream
  for (const kind of ["changeset", "conflict", "reset"]) {
    stream.addEventListener(kind, (event) => { last = event.lastEventId || last; happened(); });
  }
}
function unwatch() { stream?.close(); stream = null; }
document.addEventListener("visibilitychange", () => { if (document.hidden) unwatch(); else watch(); });
addEventListener("pagehide", unwatch);
addEventListener("pageshow", watch);

// What somebody has typed, opened or ticked in a live part stays when the part comes anew, and so does the cursor.
let typed = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.target?.matches?.("[data-events]")) return;
  const parts = [$("#timeline"), $("#side")].filter(Boolean);
  const fields = parts.flatMap((part) => $$("textarea, input:not([type=hidden])", part));
  const focused = parts.some((part) => part.contains(document.activeElement)) ? document.activeElement : null;
  typed = {
    texts: fields.filter((field) => field.id && field.value !== field.defaultValue).map((field) => [field.id, field.value]),
    ticked: fields.filter((field) => field.type === "checkbox" && field.checked).map((field) => field.value),
    open: parts.flatMap((part) => $$("details[open]", part)).map((part) => part.id).filter(Boolean),
    focus: focused?.id,
    range: focused?.selectionStart == null ? null : [focused.selectionStart, focused.selectionEnd],
  };
});
document.addEventListener("htmx:afterSettle", () => {
  if (!typed) return;
  const { texts, ticked, open, focus, range } = typed;
  typed = null;
  for (const id of open) { const part = document.getElementById(id); if (part) part.open = true; }
  for (const [id, value] of texts) { const field = document.getElementById(id); if (field) field.value = value; }
  for (const box of $$("#timeline input[type=checkbox]")) box.checked = ticked.includes(box.value);
  const field = focus && document.getElementById(focus);
  if (field && document.activeElement !== field) {
    field.focus({ preventScroll: true });
    if (range) field.setSelectionRange(...range);
  }
});

// Keys.
const KEYS = {
  "?": () => $("#keys").showModal(),
  "/": () => ($("[data-search]") || $(".find-anything input"))?.focus(),
  t: () => follow("[data-key-find]"),
  s: () => $("#theme-button")?.click(),
};
const GO = { d: "[data-key-dashboard]", s: "[data-key-slices]", c: "[data-key-changesets]", g: "[data-key-global]", x: "[data-key-conflicts]", f: "[data-key-search]" };
let going = 0;
function follow(selector) { $(selector)?.click(); }
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of $$("details.menu[open]")) menu.open = false;
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (Date.now() - going < 1000 && GO[event.key]) {
    going = 0;
    event.preventDefault();
    return follow(GO[event.key]);
  }
  if (event.key === "g") { going = Date.now(); return; }
  if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) $("#keys").showModal();
  if (event.target.matches("dialog") || event.target.closest("[data-close]")) event.target.closest("dialog").close();
});
watch();
