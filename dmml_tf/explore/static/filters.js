// Which songs may be results: a text or a range for each column of the metadata.

import { get } from "./api.js";
import { $, make } from "./dom.js";
import { filters, state } from "./state.js";

const WORDS = { seconds: "length" }; // what a column is called in the page
let asked = false;

export function startFilters(changed, failed) {
  $("filters").addEventListener("toggle", async () => {
    if (asked) return;
    asked = true; // once: of many songs the first time takes a moment
    try {
      const columns = await get("/filters");
      $("filter-fields").replaceChildren(...columns.map((column) => field(column, changed, failed)));
    } catch (error) {
      asked = false;
      failed(error.message);
    }
  });
  for (const [id, key] of [["not-its-artist", "notItsArtist"], ["not-its-album", "notItsAlbum"]]) {
    $(id).addEventListener("change", (event) => { state[key] = event.target.checked; changed(); });
  }
}

export function showFilters() {
  const count = filters().length + state.notItsArtist + state.notItsAlbum;
  $("filters-count").textContent = count ? String(count) : "";
}

function field(column, changed, failed) {
  return column.kind === "numbers" ? range(column, changed) : text(column, changed, failed);
}

function text({ name }, changed, failed) {
  const list = make("datalist", { id: `values-${name}` });
  const input = make("input", { type: "text", list: list.id, maxlength: 200, autocomplete: "off", spellcheck: "false",
    placeholder: "any", "data-column": name, "aria-label": `Only of ${name}`,
    onchange: () => { state.filters[name] = input.value.trim(); changed(); } });
  const suggest = async () => {
    try {
      const values = await get("/values", [["column", name], ["text", input.value]]);
      list.replaceChildren(...values.map(({ value, songs }) => make("option", { value }, `${songs}`)));
    } catch (error) {
      failed(error.message);
    }
  };
  input.addEventListener("focus", suggest);
  input.addEventListener("input", suggest);
  return make("label", { class: "filter" }, make("span", {}, name), input, list);
}

// Seconds are asked for as minutes.
function range({ name, low, high }, changed) {
  const scale = name === "seconds" ? 60 : 1, shown = WORDS[name] ?? name, unit = scale === 60 ? " in minutes" : "";
  const ends = ["", ""];
  const end = (place, word, bound) => make("input", { type: "number", step: "any", inputmode: "decimal",
    placeholder: String(Math.round((10 * bound) / scale) / 10), "data-column": `${name}-${place}`,
    "aria-label": `${shown}${unit}, ${word}`, onchange: (event) => {
      const value = event.target.value;
      ends[place] = value === "" ? "" : String(Number(value) * scale);
      state.filters[name] = [...ends];
      changed();
    } });
  return make("div", { class: "filter", role: "group", "aria-label": `${shown}${unit}` },
    make("span", {}, shown), end(0, "from", low), make("span", { class: "to" }, "–"), end(1, "to", high));
}
