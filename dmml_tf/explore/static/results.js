// The results: a disc that plays, who it is, and a bar a condition that says why it is alike.

import { $, make, name, rove } from "./dom.js";
import { toggle } from "./player.js";
import { kindOf } from "./seeds.js";
import { player } from "./slots.js";
import { state } from "./state.js";

export function showColumns() {
  $("columns").replaceChildren(...state.parts.map((part) => name(part.name)));
  document.documentElement.style.setProperty("--columns", String(state.parts.length));
}

export function showResults(hits, actions, pointed) {
  const had = $("results").contains(document.activeElement);
  $("results").replaceChildren(...hits.map((hit) => item(hit, actions, pointed)));
  const items = [...$("results").children];
  items.forEach((one, i) => reachable(one, i === 0));
  if (had) items[0]?.focus();
}

function item(hit, actions, pointed) {
  const other = Object.entries(hit.labels).filter(([column]) => !state.parts.some((part) => part.column === column));
  const under = [hit.seems_copy && "a copy?", ...[hit.artist, hit.album, hit.year, ...other.map(([, label]) => label)]
    .map((text) => text.replaceAll("|", ", "))].filter(Boolean).join(" · ");
  const called = hit.title || hit.id;
  const take = (side) => make("button", { type: "button", class: `take ${side}`, title: "Search by it",
    "aria-label": `Search by ${called} as song ${side.toUpperCase()}`, onclick: () => actions[side](hit) },
  side.toUpperCase());
  const seed = (kind, key, sign, word) => make("button", { type: "button", class: `take ${kind}`, title: word,
    "data-like": `${kind} ${hit.row}`, "aria-pressed": String(kindOf(hit) === kind),
    "aria-label": `${word} ${called}`, onclick: () => actions[key](hit) }, sign);
  const one = make("li", { "data-row": hit.row, "aria-keyshortcuts": "Space a b l d" },
    make("span", { class: "rank" }, String(hit.rank)), player(hit, 44),
    make("div", { class: "words" }, name(hit.title || hit.id, "title"), name(under, "artist")),
    make("div", { class: "takes" }, seed("disliked", "d", "✕", "Dislike"), seed("liked", "l", "♥", "Like"), take("a"),
      take("b")),
    make("div", { class: "why" }, ...state.parts.map((part) => reason(part, hit))));
  one.addEventListener("keydown", (event) => keys(event, one, hit, actions));
  for (const event of ["pointerenter", "focusin"]) one.addEventListener(event, () => pointed(hit.row));
  for (const event of ["pointerleave", "focusout"]) one.addEventListener(event, () => pointed(null));
  return one;
}

// One condition: its label, bold where it agrees with that of the song asked by, and the cosine as a bar.
function reason(part, hit) {
  const known = part.name in hit.cosines, cosine = hit.cosines[part.name] ?? 0; // the first of a path has none
  const agrees = hit.agrees.includes(part.name);
  const read = (hit.labels[part.column] ?? "").replaceAll("|", ", "), heard = hit.heard[part.name];
  const label = read || (heard ? `heard as ${heard}` : "");
  const bar = make("span", { class: "bar" });
  bar.style.setProperty("--cosine", `${100 * Math.min(1, Math.abs(cosine))}%`);
  const side = state.slots.b ? state.sides[part.name] : "a";
  const classes = ["reason", side, agrees ? "agrees" : "", cosine < 0 ? "unlike" : "",
    state.weights[part.name] === 0 ? "off" : ""];
  const as = agrees ? `, as song ${side.toUpperCase()}` : "";
  const told = `${part.name} ${known ? cosine.toFixed(2) : ""}${label && `, ${label}`}${as}`;
  return make("div", { class: classes.join(" "), role: "img", "aria-label": told, title: told,
    "data-name": part.name },
    read || !heard ? name(read || "\u00a0", "label") : name(`≈ ${heard}`, "label heard"),
    make("span", { class: known ? "figure" : "figure none" }, bar, make("span", { class: "cosine" }, known ? cosine.toFixed(2) : "")));
}

function keys(event, one, hit, actions) {
  const items = [...$("results").children];
  if (event.target !== one || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = rove(event, items);
  if (next) {
    items.forEach((other) => reachable(other, other === next));
  } else if ((event.key === " " || event.key === "Enter") && hit.player) {
    event.preventDefault();
    toggle(hit);
  } else if (Object.hasOwn(actions, event.key)) {
    event.preventDefault();
    actions[event.key](hit);
  }
}

// One result is a stop of the tab key, with its buttons; the arrows go to the others.
function reachable(one, yes) {
  for (const element of [one, ...one.querySelectorAll("button")]) element.tabIndex = yes ? 0 : -1;
}
