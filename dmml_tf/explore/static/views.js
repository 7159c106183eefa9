// What is made of the songs: the most alike ones, a path from A to B, or a playlist; and what each can be told.

import { $, make, rove } from "./dom.js";
import { state, VIEWS } from "./state.js";

const NAMES = { search: "Most alike", path: "Path A to B", playlist: "Playlist" };
let changed = () => {};

export function startViews(onChange) {
  changed = onChange;
  $("views").replaceChildren(...VIEWS.map((view) => make("button", { type: "button", role: "radio", "data-name": view,
    onclick: () => choose(view) }, NAMES[view])));
  $("views").addEventListener("keydown", (event) => {
    const next = rove(event, [...$("views").children], true);
    if (next) choose(next.dataset.name);
  });
  showView();
}

function choose(view) {
  if (state.view === view) return;
  state.view = view;
  showView();
  changed();
}

export function showView() {
  document.body.dataset.view = state.view;
  for (const button of $("views").children) {
    const now = button.dataset.name === state.view;
    button.setAttribute("aria-checked", String(now));
    button.tabIndex = now ? 0 : -1;
  }
  $("found-title").textContent = { search: "Songs", path: "From A to B", playlist: "In this order" }[state.view];
  $("options").replaceChildren(...{ search: () => [], path: pathOptions, playlist: playlistOptions }[state.view]());
}

// Parts that are not weighed may go anywhere, or stay as they are in song A.
function pathOptions() {
  const free = state.parts.filter(({ name }) => state.weights[name] === 0);
  const keep = free.map(({ name }) => make("label", { class: "check" }, make("input", { type: "checkbox",
    checked: state.keep.has(name), "data-keep": name,
    onchange: (event) => { state.keep[event.target.checked ? "add" : "delete"](name); changed(); } }), name));
  return [number("Steps", "steps", 2, 50, (value) => { state.steps = value; }, state.steps),
    ...(keep.length ? [make("span", { class: "told" }, "Keep from A:"), ...keep] : [])];
}

function playlistOptions() {
  const unit = make("select", { "aria-label": "Length in", onchange: (event) => {
    state.unit = event.target.value;
    changed();
  } }, ...["songs", "minutes"].map((name) => make("option", { selected: name === state.unit }, name)));
  const slider = make("input", { type: "range", id: "variety", min: 0, max: 1, step: 0.1, value: state.variety,
    oninput: () => { state.variety = Number(slider.value); fill(); changed(); } });
  const fill = () => slider.style.setProperty("--at", `${100 * state.variety}%`);
  fill();
  return [number("Length", "length", 1, 500, (value) => { state.length = value; }, state.length), unit,
    make("label", { for: "variety" }, "Variety"), slider];
}

function number(label, id, least, most, set, value) {
  const field = make("input", { type: "number", id, min: least, max: most, step: 1, value, inputmode: "numeric",
    onchange: () => {
      set(Math.min(most, Math.max(least, Math.round(Number(field.value)) || least)));
      field.value = state[id];
      changed();
    } });
  return make("label", { class: "number" }, `${label} `, field);
}
