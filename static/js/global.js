// The global state as it moves: what the page shows is fetched anew when something happens. Without this the form works too.
"use strict";

const state = document.getElementById("global");
const told = document.getElementById("merge-told");
let fetching = false;
async function refresh() {
  if (fetching) return;
  fetching = true;
  try { await htmx.ajax("GET", state.getAttribute("hx-get"), { target: state, swap: "innerHTML" }); } finally { fetching = false; }
}
function tell() {
  const doing = state.querySelector("[data-doing]")?.dataset.doing || "";
  if (told.dataset.doing && !doing) told.textContent = "The batch merge has ended.";
  else if (doing && doing !== told.dataset.doing) told.textContent = doing;
  told.dataset.doing = doing;
}
state.addEventListener("htmx:afterSettle", tell);
tell();

const events = new EventSource(state.dataset.events);
events.addEventListener("global", refresh);
addEventListener("pagehide", () => events.close());

// Merge now: the request lasts as long as the merge; meanwhile the page goes on showing how far it is.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-merge]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const watch = setInterval(refresh, 500);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const content = page.getElementById("content");
    const said = content?.querySelectorAll(".notice") || [];
    document.querySelectorAll("[data-merge-said]").forEach((old) => old.remove());
    const shown = said.length ? [...said] : [Object.assign(document.createElement("div"), { className: "notice error", textContent: "The server did not answer as it should. Load the page again." })];
    for (const notice of shown) {
      notice.dataset.mergeSaid = "";
      notice.setAttribute("role", "status");
      state.before(notice);
    }
  } catch {
    told.textContent = "The connection was lost. The merge goes on by itself if it had begun.";
    told.classList.remove("sr");
  } finally {
    clearInterval(watch);
    button.disabled = false;
    fetching = false;
    await refresh();
  }
});
