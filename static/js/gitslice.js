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

// A comment on a line: its form opens below the line.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".say");
  const page = link?.closest("[data-comment-form]");
  if (page) {
    event.preventDefault();
    const path = encodeURIComponent(link.closest("[data-path]").dataset.path);
    const address = `${page.dataset.commentForm}&path=${path}&line=${link.dataset.line}`;
    for (const row of $$("tr.notes:has([data-drop-row])")) row.remove();
    htmx.ajax("GET", address, { target: link.closest("tr"), swap: "afterend" }).then(() => $("#note")?.focus());
  }
  if (event.target.closest("[data-drop-row]")) event.target.closest("tr").remove();
});

// Keys.
const KEYS = {
  "?": () => $("#keys").showModal(),
  "/": () => $("[data-search]")?.focus(),
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
