// Texts that are edited in forms: a warning before they are lost, and Tab that indents for who wants it.
"use strict";

// What was typed is not left without a question.
const untouched = new WeakMap();
let leaving = false;
const textsOf = (form) => [...form.querySelectorAll("textarea, input[type=text], input:not([type])")];
const stateOf = (form) => textsOf(form).map((field) => field.value).join("\0");
const guard = (form) => untouched.set(form, stateOf(form));
document.querySelectorAll("[data-guarded]").forEach(guard);
const isTyped = (form) => untouched.get(form) !== stateOf(form);
addEventListener("submit", (event) => { if (event.target.method === "post") leaving = true; });
addEventListener("pageshow", () => { leaving = false; });
addEventListener("beforeunload", (event) => {
  const forms = [...document.querySelectorAll("[data-guarded]")];
  if (!leaving && forms.some(isTyped)) event.preventDefault();
});

// A side that is chosen goes into the result at once, unless something was typed there already.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-pick]")) return;
  const form = document.querySelector("#result [data-guarded]");
  if (form && !isTyped(form)) event.target.form.requestSubmit();
});
document.addEventListener("htmx:confirm", (event) => {
  const form = document.querySelector("#result [data-guarded]");
  if (!event.target.matches("[data-picks]") || !form || !isTyped(form)) return;
  if (!confirm("The chosen sides replace what you typed.")) event.preventDefault();
});
document.addEventListener("htmx:load", (event) => {
  for (const form of event.target.querySelectorAll("[data-guarded]")) guard(form);
});

// Tab indents where it was asked to; Escape gives the next Tab back to who walks through the page.
const WISH = "tab-indents";
let escaped = false;
function wish() { try { return localStorage.getItem(WISH) === "1"; } catch { return false; } }
function showWish(root) { for (const box of root.querySelectorAll("[data-tab-indents]")) box.checked = wish(); }
showWish(document);
document.addEventListener("htmx:load", (event) => showWish(event.target));
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-tab-indents]")) return;
  try { localStorage.setItem(WISH, event.target.checked ? "1" : "0"); } catch { /* not kept */ }
});
function unit(text) {
  if (/^\t/m.test(text)) return "\t";
  return /^ {2}\S/m.test(text) && !/^ {4}\S/m.test(text) ? "  " : "    ";
}
function put(area, start, end, text) {
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
}
function indent(area, back) {
  const { value, selectionStart: start, selectionEnd: end } = area;
  const step = unit(value);
  if (start === end && !back) return put(area, start, end, step);
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const lines = value.slice(from, end).split("\n");
  const shifted = lines.map((line) => (back ? line.replace(/^(\t| {1,4})/, "") : line && step + line)).join("\n");
  put(area, from, end, shifted);
  area.setSelectionRange(from, from + shifted.length);
}
document.addEventListener("keydown", (event) => {
  const area = event.target.closest("[data-code]");
  if (!area) return;
  if (event.key === "Escape") { escaped = true; return; }
  const wanted = area.form.querySelector("[data-tab-indents]")?.checked;
  if (event.key === "Tab" && wanted && !escaped && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.preventDefault();
    indent(area, event.shiftKey);
  }
  if (event.key !== "Shift") escaped = false;
});

// Where one is in the text.
function showPlace(area) {
  const place = area.form.querySelector("[data-place]");
  if (!place) return;
  const before = area.value.slice(0, area.selectionStart).split("\n");
  place.textContent = `Line ${before.length}, column ${before.at(-1).length + 1}`;
}
document.addEventListener("selectionchange", () => {
  const area = document.activeElement;
  if (area?.matches("[data-code]")) showPlace(area);
});
