// The map of a sub-space, on which the songs asked by and the results light up.

import { get } from "./api.js";
import { $, make, name, rove, shape } from "./dom.js";
import { ref, state } from "./state.js";

const kept = new Map(); // number of a part -> its map
let shown = null, chosen = () => {}, height = 100;

// Neither axis of a map has a unit: it takes the shape of the room it has. x is 0 to 100, y 0 to `height`.
const place = (point) => [100 * point[1], height * (1 - point[2])];

function fit() {
  const { clientWidth, clientHeight } = $("map");
  height = clientWidth ? Math.min(230, Math.max(60, (108 * clientHeight) / clientWidth - 8)) : 100;
  $("map").setAttribute("viewBox", `-4 -4 108 ${height + 8}`);
}

export function startMap(changed, clicked) {
  chosen = clicked;
  new ResizeObserver(() => shown && changed()).observe($("map"));
  $("tabs").replaceChildren(...state.parts.map((part) => make("button", { type: "button", role: "radio",
    "data-name": part.name, onclick: () => pick(part.name, changed) }, part.name)));
  $("tabs").addEventListener("keydown", (event) => {
    const next = rove(event, [...$("tabs").children], true);
    if (next) pick(next.dataset.name, changed);
  });
  $("map").addEventListener("click", (event) => {
    if (event.target.dataset.row) chosen(Number(event.target.dataset.row));
  });
}

function pick(part, changed) {
  state.map = part;
  changed();
}

export async function showMap() {
  const number = state.parts.findIndex((part) => part.name === state.map);
  for (const tab of $("tabs").children) {
    const now = tab.dataset.name === state.map;
    tab.setAttribute("aria-checked", String(now));
    tab.tabIndex = now ? 0 : -1;
  }
  if (!kept.has(number)) {
    $("map-note").textContent = "Drawing the map; the first time takes a while…";
    kept.set(number, await get("/map", [["part", state.map]]));
  }
  if (state.parts[number].name !== state.map) return; // another was asked for meanwhile
  shown = { number, ...kept.get(number) };
  const unlabelled = shown.legend.kind !== "none" && shown.points.some((point) => point[3] === null);
  legend(shown.legend, colours(shown.legend), unlabelled);
  $("map-note").textContent = note(shown);
  fit(); // once everything around it has its size
  const colour = colours(shown.legend);
  const dots = shown.points.map(([row, x, y, group], i) => {
    const dot = shape("circle", { cx: 100 * x, cy: height * (1 - y), r: 1, "data-row": row },
      shape("title", {}, shown.titles[i]));
    dot.style.fill = colour(group);
    return dot;
  });
  $("map").replaceChildren(shape("g", { id: "dots" }, ...dots), shape("g", { id: "lit" }));
}

function note({ points, of }) {
  const sample = points.length < of ? ` It has ${points.length.toLocaleString("en")} of `
    + `${of.toLocaleString("en")} songs; the others lie between those that are most like them.` : "";
  const heard = state.heard ? " Colours are what is heard." : "";
  return `t-SNE: near each other means alike. The results are lit and joined.${heard}${sample}`;
}

// The songs asked by, and the results, joined to the one whose part this sub-space takes.
export function light({ hits, asked }) {
  if (!shown) return;
  const slots = Object.entries(state.slots).flatMap(([side, song]) => {
    const by = song && asked.find((one) => one.song === ref(song));
    return by && at(by.near) ? [[side, at(by.near)]] : [];
  });
  const from = state.view === "search" && Object.fromEntries(slots)[state.slots.b ? state.sides[state.map] : "a"];
  const colour = colours(shown.legend), lines = [], dots = [];
  for (const hit of [...hits].reverse()) {
    const point = at(hit.near);
    if (!point) continue;
    const [x, y] = place(point);
    if (from) lines.push(line(from, point));
    const dot = shape("circle", { cx: x, cy: y, r: 2.1, "data-row": hit.row, class: "hit" },
      shape("title", {}, `${hit.rank}: ${hit.title}`));
    dot.style.fill = colour(point[3]);
    dots.push(dot);
  }
  if (state.view === "path") lines.push(...chain(hits.map((hit) => at(hit.near)).filter(Boolean)));
  const letters = slots.map(([side, point]) => {
    const [x, y] = place(point);
    return shape("g", { class: `asked ${side}` }, shape("circle", { cx: x, cy: y, r: 3.1 }),
      shape("text", { x, y: y + 1.35 }, side.toUpperCase()));
  });
  $("lit").replaceChildren(...lines, ...dots, ...letters);
  $("map").classList.toggle("dim", dots.length > 0);
  $("map").setAttribute("aria-label", `Map of the ${state.map} sub-space: ${shown.points.length} songs, ${dots.length} `
    + "results lit");
}

function line(from, to) {
  const [[x1, y1], [x2, y2]] = [place(from), place(to)];
  return shape("line", { x1, y1, x2, y2 });
}

const chain = (points) => points.slice(1).map((point, i) => line(points[i], point));

// Where a song lies, as a point: between those of the map's songs that it is nearest to.
function at(near) {
  const places = near[shown.number];
  if (!places) return null;
  const points = places.map(([index, share]) => [shown.points[index], share]);
  const mean = (axis) => points.reduce((sum, [point, share]) => sum + share * point[axis], 0);
  return [null, mean(1), mean(2), points[0][0][3]];
}

export function point(row) {
  for (const dot of document.querySelectorAll("#lit .hit")) {
    dot.classList.toggle("pointed", row !== null && Number(dot.dataset.row) === row);
  }
}

function colours(legend) {
  const none = "var(--unlabelled)";
  if (legend.kind === "none") return () => "var(--plain)";
  if (legend.kind === "values") {
    const width = legend.high - legend.low || 1;
    return (value) => (value === null ? none : ramp((value - legend.low) / width));
  }
  const count = legend.names.length;
  return (group) => (group === null ? none : group >= count ? "var(--other)"
    : `oklch(${group % 2 ? 0.62 : 0.74} 0.13 ${20 + (360 * group) / count})`);
}

const ramp = (part) => `oklch(${0.42 + 0.44 * part} ${0.13 + 0.02 * part} ${300 - 200 * part})`;

function legend(of, colour, unlabelled) {
  const entry = (text, fill) => {
    const dot = make("i", {});
    dot.style.background = fill;
    return make("li", {}, dot, name(text));
  };
  const entries = [];
  if (of.kind === "tags") of.names.forEach((tag, i) => entries.push(entry(tag, colour(i))));
  if (of.kind === "values") {
    for (const part of [0, 0.25, 0.5, 0.75, 1]) {
      const value = of.low + part * (of.high - of.low);
      entries.push(entry(value.toPrecision(3), colour(value)));
    }
  }
  if (unlabelled) entries.push(entry(state.heard ? "unsure" : "unlabelled", "var(--unlabelled)"));
  $("legend").replaceChildren(...entries);
}
