// Draws the tables of the map as pictures. What is drawn is what the tables say, so both always agree.
"use strict";

const THIN = 12; // pixels: what is smaller gets no text
const rows = (name) => [...document.querySelectorAll(`[data-table="${name}"] tbody tr`)];
const frame = (name) => document.querySelector(`[data-picture="${name}"]`);
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const short = d3.format(".2~s");
const figure = (number) => (number < 1000 ? String(number) : short(number));

// One stop for the Tab key; arrows go from cell to cell, and what is said of a cell stands above the picture.
function explore(box, svg) {
  const told = box.parentElement.querySelector(".told-now") || box.insertAdjacentElement("beforebegin", Object.assign(document.createElement("p"), { className: "told-now quiet small" }));
  told.textContent = "Point at a part of the picture, or go there by Tab and the arrow keys.";
  const cells = svg.selectAll("a").nodes();
  cells.forEach((cell, place) => cell.setAttribute("tabindex", place ? "-1" : "0"));
  const say = (event) => { const cell = event.target.closest?.("a"); if (cell) told.textContent = cell.getAttribute("aria-label"); };
  svg.on("pointerover", say).on("focusin", say).on("keydown", (event) => {
    const to = nearest(cells, event.target.closest("a"), event.key);
    if (!to) return;
    event.preventDefault();
    for (const cell of cells) cell.setAttribute("tabindex", cell === to ? "0" : "-1");
    to.focus();
  });
}
function nearest(cells, from, key) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!way || !from) return null;
  const middle = (cell) => { const box = cell.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const [x, y] = middle(from);
  const ranked = cells.filter((cell) => cell !== from).map((cell) => {
    const [dx, dy] = [middle(cell)[0] - x, middle(cell)[1] - y];
    return [dx * way[0] + dy * way[1], Math.abs(dx * way[1]) + Math.abs(dy * way[0]), cell];
  }).filter(([ahead]) => ahead > 1);
  return d3.least(ranked, ([ahead, aside]) => ahead + 3 * aside)?.[2];
}
function canvas(name, width, height, label) {
  const box = frame(name);
  box.replaceChildren();
  return d3.select(box).append("svg").attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`).attr("role", "group").attr("aria-label", label);
}
function cellOf(svg, address, label) {
  return svg.append("a").attr("href", address).attr("aria-label", label);
}
function stripes(svg, id, ground, stripe, size = 7) {
  const pattern = svg.append("defs").append("pattern").attr("id", id).attr("width", size).attr("height", size).attr("patternUnits", "userSpaceOnUse").attr("patternTransform", "rotate(45)");
  pattern.append("rect").attr("width", size).attr("height", size).attr("class", ground);
  pattern.append("line").attr("y2", size).attr("class", stripe);
}

// Slices against slices.
function drawMeetings() {
  const slices = [...document.querySelectorAll("[data-sizes] li")].map((item) => item.dataset);
  if (!slices.length) return;
  const pairs = new Map(rows("meetings").flatMap(({ dataset: row }) => [[`${row.one} ${row.other}`, row], [`${row.other} ${row.one}`, row]]));
  const most = d3.max(pairs.values(), (row) => Number(row.files)) || 1;
  const step = d3.scaleQuantize([0, Math.log1p(most)], [1, 2, 3]);
  const left = Math.min(140, 14 + 7 * d3.max(slices, (slice) => slice.name.length));
  const side = Math.max(40, Math.min(64, (frame("meetings").clientWidth - left - 8) / slices.length));
  const size = side * slices.length, top = left * 0.72 + 10;
  const svg = canvas("meetings", left + size + left * 0.6, top + size + 4, "Slices against slices: files that both cover, and conflicts between them");
  stripes(svg, "meet-stripes", "cell-conflicts", "stripe");
  slices.forEach((slice, place) => {
    svg.append("text").attr("class", "axis").attr("x", left - 8).attr("y", top + side * (place + 0.5) + 4).attr("text-anchor", "end").text(cut(slice.name, 19));
    svg.append("text").attr("class", "axis").attr("transform", `translate(${left + side * (place + 0.45)},${top - 8}) rotate(-40)`).text(cut(slice.name, 19));
  });
  slices.forEach((one, y) => slices.forEach((other, x) => drawMeeting(svg, { one, other, x, y, row: pairs.get(`${one.name} ${other.name}`), left, top, side, step })));
  explore(frame("meetings"), svg);
}
function drawMeeting(svg, { one, other, x, y, row, left, top, side, step }) {
  const own = x === y, above = x > y;
  const value = own ? Number(one.files) : Number((above ? row?.files : row?.conflicts) || 0);
  const label = own ? `${one.name}: ${count(value, "file")}` : `${one.name} and ${other.name}: ${above ? `${count(value, "file")} of both` : `${count(value, "conflict")}`}`;
  const shape = value || own ? cellOf(svg, one.address, label) : svg;
  const kind = own ? "cell-own" : !value ? "cell-empty" : above ? `cell-files step-${step(Math.log1p(value))}` : "";
  const rect = shape.append("rect").attr("class", `shape ${kind}`).attr("x", left + x * side + 1).attr("y", top + y * side + 1).attr("width", side - 2).attr("height", side - 2).attr("rx", 3);
  if (value && !own && !above) rect.attr("fill", "url(#meet-stripes)");
  if (value) shape.append("text").attr("aria-hidden", "true").attr("x", left + (x + 0.5) * side).attr("y", top + (y + 0.5) * side + 4).attr("text-anchor", "middle").attr("class", own ? "axis" : "group-name").text(figure(value));
}
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// The tree. The slices with most files have patterns of their own.
const MARKS = ["M0,0V8", "M0,4H8", "M0,0L8,8", "M0,8L8,0", "M0,4H8M4,0V8", "dot", "M0,0L8,8M0,8L8,0", "M0,2L4,6L8,2"];
function pattern(svg, id, place) {
  const drawn = svg.append("defs").append("pattern").attr("id", id).attr("width", 8).attr("height", 8).attr("patternUnits", "userSpaceOnUse").attr("class", place < MARKS.length ? `ink-${place}` : "ink-none");
  drawn.append("rect").attr("width", 8).attr("height", 8).attr("class", "ground");
  if (MARKS[place] === "dot") drawn.append("circle").attr("cx", 4).attr("cy", 4).attr("r", 1.6).attr("class", "dot");
  else if (MARKS[place]) drawn.append("path").attr("d", MARKS[place]).attr("class", "mark");
}
function drawTree() {
  const box = frame("tree");
  if (!box) return;
  const leaves = rows("tree").map((row) => ({ ...row.dataset, names: row.dataset.slices.split(" ").filter(Boolean), value: Number(row.dataset.files), path: row.querySelector("a").textContent, address: row.querySelector("a").getAttribute("href") }));
  const files = d3.rollup(leaves.filter((leaf) => leaf.names.length), (some) => d3.sum(some, (leaf) => leaf.value), (leaf) => leaf.names[0]);
  const known = [...files].sort((a, b) => b[1] - a[1]).map(([name]) => name).slice(0, MARKS.length);
  const placeOf = (leaf) => { const place = known.indexOf(leaf.names[0]); return place < 0 ? MARKS.length : place; };
  const width = Math.max(280, box.clientWidth), height = Math.max(320, Math.min(560, width * 0.6));
  const nested = d3.hierarchy(["", d3.group(leaves, (leaf) => leaf.outer)], ([, inside] = []) => (inside instanceof Map ? [...inside] : Array.isArray(inside) ? inside.map((leaf) => [leaf]) : null));
  nested.sum((node) => (Array.isArray(node) && node.length === 1 ? node[0].value : 0)).sort((a, b) => b.value - a.value);
  d3.treemap().size([width, height]).paddingInner(2).paddingOuter(1).paddingTop((node) => (node.depth === 1 && node.data[0] && node.x1 - node.x0 > 40 ? 20 : 1)).round(true)(nested);
  const svg = canvas("tree", width, height, "The tree, by number of files and by the slices that cover it");
  for (let place = 0; place <= MARKS.length; place++) pattern(svg, `tree-${place}`, place);
  for (const group of nested.children || []) drawGroup(svg, group);
  for (const { x0, x1, y0, y1, data: [leaf] } of nested.leaves()) drawArea(svg, leaf, { x0, y0, width: x1 - x0, height: y1 - y0 }, placeOf(leaf));
  explore(box, svg);
  drawKey(box, known, leaves.some((leaf) => placeOf(leaf) === MARKS.length));
}
function drawGroup(svg, { x0, x1, y0, data: [name] }) {
  if (name && x1 - x0 > 40) svg.append("text").attr("class", "group-name").attr("x", x0 + 4).attr("y", y0 + 15).text(cut(name, Math.floor((x1 - x0 - 6) / 7.4)));
}
function drawArea(svg, leaf, { x0, y0, width, height }, place) {
  if (width < 1 || height < 1) return;
  const who = leaf.names.length ? leaf.names.join(", ") : "root only";
  const link = cellOf(svg, leaf.address, `${leaf.path}: ${count(leaf.value, "file")}, covered by ${who}`);
  link.append("rect").attr("class", `shape area${leaf.names.length > 1 ? " shared" : ""}`).attr("x", x0).attr("y", y0).attr("width", width).attr("height", height).attr("fill", `url(#tree-${place})`);
  const name = leaf.inner || (leaf.outer ? "files here" : "files at this level");
  const lines = [name, `${leaf.names[0] || "root"}${leaf.names.length > 1 ? ` +${leaf.names.length - 1}` : ""} · ${figure(leaf.value)}`];
  const room = Math.floor((width - 12) / 6.6);
  const shown = lines.slice(0, Math.floor((height - 4) / 16)).map((line) => cut(line, room));
  if (room < 4 || !shown.length) return;
  svg.append("rect").attr("class", "plate").attr("x", x0 + 3).attr("y", y0 + 3).attr("rx", 3).attr("height", shown.length * 15 + 4).attr("width", Math.min(width - 6, d3.max(shown, (line) => line.length) * 6.6 + 8));
  shown.forEach((line, at) => svg.append("text").attr("aria-hidden", "true").attr("x", x0 + 6).attr("y", y0 + 15 + at * 15).text(line));
}
function drawKey(box, known, others) {
  box.parentElement.querySelector(".patterns-key")?.remove();
  const list = d3.select(box.parentElement).insert("ul", "[data-picture] + p").attr("class", "patterns-key");
  const names = [...known.map((name, place) => [name, place]), ...(others ? [["other slices, or root only", MARKS.length]] : [])];
  for (const [name, place] of names) {
    const item = list.append("li");
    item.append("svg").attr("width", 18).attr("height", 18).attr("aria-hidden", "true").append("rect").attr("width", 18).attr("height", 18).attr("fill", `url(#tree-${place})`);
    item.append("span").text(name);
  }
}

// Landings and conflicts.
function drawActivity() {
  const periods = rows("activity").map(({ dataset: row }) => ({ start: row.start, landings: Number(row.landings), conflicts: Number(row.conflicts) })).reverse();
  const left = 40, below = 34, height = 240;
  const width = Math.max(frame("activity").clientWidth, left + periods.length * 22);
  const most = Math.max(4, d3.max(periods, (period) => Math.max(period.landings, period.conflicts)));
  const x = d3.scaleBand(periods.map((period) => period.start), [left, width]).padding(0.25);
  const y = d3.scaleLinear([0, most], [height - below, 18]).nice(4);
  const svg = canvas("activity", width, height, "Landings and conflicts over time");
  stripes(svg, "bar-stripes", "bar-ground", "bar-stripe", 6);
  for (const tick of y.ticks(4).filter(Number.isInteger)) {
    svg.append("line").attr("class", "grid").attr("x1", left).attr("x2", width).attr("y1", y(tick)).attr("y2", y(tick));
    svg.append("text").attr("class", "axis").attr("x", left - 8).attr("y", y(tick) + 4).attr("text-anchor", "end").text(figure(tick));
  }
  const every = Math.ceil(46 / x.step());
  periods.forEach((period, place) => {
    const link = cellOf(svg, "#activity", `${period.start}: ${count(period.landings, "landing")}, ${count(period.conflicts, "conflict")}`);
    link.append("rect").attr("class", "shape").attr("fill", "transparent").attr("x", x(period.start) - 1).attr("y", 4).attr("width", x.bandwidth() + 2).attr("height", height - below - 4);
    const half = x.bandwidth() / 2;
    bar(svg, link, x(period.start), half, period.landings, y).attr("class", "bar-landings");
    bar(svg, link, x(period.start) + half, half, period.conflicts, y).attr("fill", "url(#bar-stripes)");
    if ((periods.length - 1 - place) % every === 0) svg.append("text").attr("class", "axis").attr("x", Math.min(x(period.start) + half, width - 18)).attr("y", height - 12).attr("text-anchor", "middle").text(period.start.slice(5));
  });
  explore(frame("activity"), svg);
  frame("activity").scrollLeft = width; // the newest stand on the right
}
function bar(svg, link, x, width, value, y) {
  const top = y(value);
  if (value && width > THIN / 2) svg.append("text").attr("aria-hidden", "true").attr("class", "axis").attr("x", x + width / 2).attr("y", top - 4).attr("text-anchor", "middle").text(figure(value));
  return link.append("rect").attr("x", x).attr("width", width - 1).attr("y", top).attr("height", y(0) - top);
}

document.documentElement.classList.add("drawn");
for (const table of document.querySelectorAll("details[data-numbers]")) table.open = false;
function draw() { drawMeetings(); drawTree(); drawActivity(); }
draw();
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
