// The songs that a playlist is made from: liked and disliked ones.

import { $, make, name } from "./dom.js";
import { ref, state } from "./state.js";

let changed = () => {};

export function startSeeds(onChange) {
  changed = onChange;
}

// Once more takes it away again.
export function like(song, kind = "liked") {
  const other = kind === "liked" ? "disliked" : "liked", had = state[kind].some((one) => ref(one) === ref(song));
  for (const list of [kind, other]) state[list] = state[list].filter((one) => ref(one) !== ref(song));
  if (!had) state[kind].push(song);
  showSeeds();
  changed();
}

export const kindOf = (song) => ["liked", "disliked"].find((kind) => state[kind].some((one) => ref(one) === ref(song)));

export function showSeeds() {
  const chips = ["liked", "disliked"].flatMap((kind) => state[kind].map((song) => chip(song, kind)));
  $("seeds").hidden = !chips.length;
  $("seeds").replaceChildren(...chips);
}

function chip(song, kind) {
  const title = song.title || song.id;
  return make("button", { type: "button", class: `chip ${kind}`, "aria-label": `${title} is ${kind}; take it away`,
    onclick: () => like(song, kind) }, make("span", { "aria-hidden": "true" }, kind === "liked" ? "♥" : "✕"),
  name(title));
}
