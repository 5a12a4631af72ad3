// Diffs: keys, addresses of lines, files that come later, what one has viewed.
"use strict";

const LINE_PLACE = /^#(f[0-9a-f]{8})([LR])(\d+)(?:-\2(\d+))?$/;

const diffFiles = () => $$("section.file");
const diffBody = (file) => $(".diff-body", file);
const headHeight = () => ($(".top")?.offsetHeight || 0) + 8;

// The changes of a file that come later: asked for, and here.
async function loadedFile(file) {
  const details = $("details", file);
  details.open = true;
  const link = $("[data-wanted]", file);
  if (!link) return;
  const come = new Promise((resolve) => diffBody(file).parentElement.addEventListener("htmx:load", resolve, { once: true }));
  htmx.trigger(link, "open");
  await Promise.race([come, new Promise((resolve) => setTimeout(resolve, 8000))]);
}

// Lines between hunks that an address names are shown first.
async function loadedLine(file, side, number) {
  for (const gap of $$("tr.hunk[data-first]", file)) {
    const at = side === "R" ? number : number - Number(gap.dataset.shift);
    if (at < Number(gap.dataset.first) || at > Number(gap.dataset.last)) continue;
    const link = [...$$("a.more", gap)].pop();
    const come = new Promise((resolve) => $("tbody", file).addEventListener("htmx:load", resolve, { once: true }));
    link.click();
    await Promise.race([come, new Promise((resolve) => setTimeout(resolve, 8000))]);
    return;
  }
}

// #f12ab34cdR10 and #f12ab34cdR10-R20. A click on a number chooses a line, with Shift a range.
function chosenPlace() {
  const match = LINE_PLACE.exec(location.hash);
  if (!match) return null;
  const [first, last] = [Number(match[3]), Number(match[4] || match[3])].sort((a, b) => a - b);
  return { anchor: match[1], side: match[2], first, last };
}
function markPlace(scroll) {
  for (const cell of $$(".diff .chosen")) cell.classList.remove("chosen");
  const place = chosenPlace();
  if (!place) return;
  for (let number = place.first; number <= Math.min(place.last, place.first + 5000); number++) {
    const cell = document.getElementById(`${place.anchor}${place.side}${number}`);
    if (!cell) continue;
    cell.classList.add("chosen");
    const text = cell.parentElement.querySelector(`#${cell.id} ~ td.t`);
    text?.classList.add("chosen");
  }
  if (scroll) document.getElementById(`${place.anchor}${place.side}${place.first}`)?.scrollIntoView({ block: "center" });
}
// A file of a later page: that page comes first.
async function loadedPage(anchor) {
  const link = $(`.files-nav a[href$="#${anchor}"]`);
  const page = link?.dataset.pageOf && $(`[data-page="${link.dataset.pageOf}"]`);
  if (!page) return null;
  const come = new Promise((resolve) => document.addEventListener("htmx:load", resolve, { once: true }));
  htmx.trigger(page, "open");
  await Promise.race([come, new Promise((resolve) => setTimeout(resolve, 8000))]);
  return document.getElementById(anchor);
}
async function showPlace() {
  const anchor = /^#(f[0-9a-f]{8})/.exec(location.hash)?.[1];
  const file = anchor && (document.getElementById(anchor) || await loadedPage(anchor));
  if (!file) return;
  const place = chosenPlace();
  if (place || !file.classList.contains("viewed")) await loadedFile(file);
  if (place && !document.getElementById(`${anchor}${place.side}${place.first}`)) {
    await loadedLine(file, place.side, place.first);
  }
  if (place) markPlace(true);
  else file.scrollIntoView();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest(".diff td.n > a");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const [, anchor, side, number] = LINE_PLACE.exec(link.hash);
  const before = event.shiftKey && chosenPlace();
  let hash = link.hash;
  if (before && before.anchor === anchor && before.side === side) {
    const [first, last] = [Math.min(before.first, Number(number)), Math.max(before.first, Number(number))];
    if (first !== last) hash = `#${anchor}${side}${first}-${side}${last}`;
  }
  history.replaceState(null, "", hash); // the address bar has what one may copy
  markPlace(false);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest(".files-nav a[data-page-of]");
  const here = link && (document.getElementById(link.hash.slice(1)) || $(`[data-page="${link.dataset.pageOf}"]`));
  if (!here || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  location.hash = link.hash;
});
addEventListener("hashchange", showPlace);
addEventListener("load", showPlace);
document.addEventListener("htmx:load", () => markPlace(false));

// Keys go on from where one is: from the file or the change that was gone to last, if it is still to be seen, else from
// the top of the window.
let diffHere = null;
function seen(element) {
  const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}
function stepped(items, forward) {
  const at = items.indexOf(diffHere);
  if (at >= 0 && seen(diffHere)) return items[at + (forward ? 1 : -1)];
  const edge = headHeight();
  if (forward) return items.find((item) => item.getBoundingClientRect().top > edge + 4);
  return items.filter((item) => item.getBoundingClientRect().top < edge - 4).pop();
}
function goTo(item) {
  if (!item) return;
  $(".diff tr.here")?.classList.remove("here");
  diffHere = item;
  if (item.matches("section")) {
    $("summary", item).focus({ preventScroll: true });
    item.scrollIntoView({ block: "start" });
  } else {
    item.classList.add("here");
    scrollBy(0, item.getBoundingClientRect().top - headHeight() - innerHeight / 5);
  }
}
function changes() {
  const rows = $$(".diff tr.changed").filter((row) => !row.previousElementSibling?.matches(".changed") && row.offsetParent);
  const later = $$(".file details[open] [data-wanted]");
  return [...rows, ...later].sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
}
function hereFile() {
  const within = diffHere?.isConnected && seen(diffHere) && diffHere.closest("section.file");
  if (within) return within;
  const edge = headHeight();
  return diffFiles().find((file) => file.getBoundingClientRect().bottom > edge + 8);
}
Object.assign(KEYS, {
  j: () => goTo(stepped(diffFiles(), true)),
  k: () => goTo(stepped(diffFiles(), false)),
  n: () => goTo(stepped(changes(), true)),
  p: () => goTo(stepped(changes(), false)),
  v: () => $(".viewed-mark", hereFile())?.click(),
});

// A mark is kept by the server; a file that one has viewed closes, and the next one comes.
function showViewed(button, viewed) {
  const file = button.closest(".file");
  button.name = viewed ? "unviewed" : "viewed";
  button.setAttribute("aria-pressed", viewed);
  file.classList.toggle("viewed", viewed);
  $(`.files-nav a[href$="#${file.id}"]`)?.classList.toggle("seen", viewed);
  const inView = file.getBoundingClientRect().top < headHeight();
  $("details", file).open = !viewed;
  if (viewed && inView) file.scrollIntoView({ block: "start" });
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "viewing") return;
  const button = event.detail.requestConfig.triggeringEvent?.submitter;
  if (!button) return;
  if (event.detail.successful) showViewed(button, button.name === "viewed");
  else $("#viewed-count").lastElementChild.textContent = "This could not be kept. Try again.";
});

// The list of files, narrowed.
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-filter-files]")) return;
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const item of $$(".files-nav li[data-path]")) {
    item.hidden = !words.every((word) => item.dataset.path.toLowerCase().includes(word));
  }
  for (const folder of $$(".files-nav li.folder-name")) folder.hidden = words.join("") !== "";
});
