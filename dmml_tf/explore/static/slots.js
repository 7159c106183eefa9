// The two songs that are searched by: picked from the list, or dropped as a file.

import { get, send } from "./api.js";
import { $, labelsOf, make, name } from "./dom.js";
import { disc } from "./mark.js";
import { picker } from "./picker.js";
import { isPlaying, toggle } from "./player.js";
import { like } from "./seeds.js";
import { ref, state } from "./state.js";

const MOST_FILES = 20; // at once; the server keeps 32
const WORDS = {
  a: { empty: "Pick a song", find: "Find a song, artist or label", label: "Find song A" },
  b: { empty: "Mix in a second song", find: "Find a second song", label: "Find song B" },
};

export class Slots {
  constructor(mostBytes, changed, failed) {
    Object.assign(this, { mostBytes, changed, failed, cards: {} });
    for (const side of ["a", "b"]) $("slots").append(this.#slot(side));
    // A file that misses the slots must not replace the page.
    for (const event of ["dragover", "drop"]) document.addEventListener(event, (e) => e.preventDefault());
    document.addEventListener("drop", (e) => this.#dropped("a", e));
  }

  put(side, song) {
    state.slots[side] = song;
    this.show();
    this.changed();
  }

  async putId(side, id) {
    if (id) state.slots[side] = await get("/song", [["id", id]]);
    this.show();
  }

  focus(side) {
    document.querySelector(`.slot.${side} input[role=combobox]`).focus();
  }

  show() {
    for (const side of ["a", "b"]) this.cards[side].replaceChildren(...this.#card(side));
  }

  #slot(side) {
    const words = WORDS[side];
    this.cards[side] = make("div", { class: "card" });
    const file = make("input", { type: "file", accept: "audio/*",
      "aria-label": `Audio file for song ${side.toUpperCase()}`,
      multiple: true,
      onchange: (event) => { this.#take(side, [...event.target.files]); event.target.value = ""; } });
    const slot = make("div", { class: `slot ${side}`, role: "group", "aria-label": `Song ${side.toUpperCase()}` },
      make("span", { class: "letter", "aria-hidden": "true" }, side.toUpperCase()), this.cards[side],
      make("div", { class: "choose" }, picker(words.label, words.find, (song) => this.put(side, song), this.failed),
        make("label", { class: "file", title: "or drop a file here" }, file, "File")));
    slot.addEventListener("dragover", () => slot.classList.add("over"));
    for (const event of ["dragleave", "drop"]) slot.addEventListener(event, () => slot.classList.remove("over"));
    slot.addEventListener("drop", (event) => this.#dropped(side, event));
    return slot;
  }

  #card(side) {
    const song = state.slots[side];
    if (!song) return [make("p", { class: "empty" }, WORDS[side].empty, make("small", {}, "or drop an audio file"))];
    return [player(song, 60), make("div", { class: "words" }, name(song.title || song.id, "title"),
      name(song.artist, "artist"), name(labelsOf(song), "labels")),
      side === "b" ? make("button", { type: "button", class: "clear", "aria-label": "Take song B away",
        onclick: () => this.put("b", null) }, "×") : null].filter(Boolean);
  }

  #dropped(side, event) {
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer?.files.length) this.#take(side, [...event.dataTransfer.files]);
  }

  // The first goes into the slot; where there are several, all become songs that a playlist is made from.
  async #take(side, files) {
    const problems = [];
    let taken = null;
    for (const [place, file] of files.slice(0, MOST_FILES).entries()) {
      const at = files.length > 1 ? `${place + 1} of ${files.length}: ` : "";
      this.cards[side].replaceChildren(make("p", { class: "empty" }, "Listening…", make("small", {}, at + file.name)));
      try {
        const song = await this.#listen(file);
        if (files.length > 1) like(song);
        taken ??= song;
      } catch (error) {
        problems.push(files.length > 1 ? `${file.name}: ${error.message}` : error.message);
      }
    }
    state.slots[side] = taken ?? state.slots[side];
    this.show();
    if (taken) this.changed();
    if (files.length > MOST_FILES) problems.push(`${MOST_FILES} files at a time`);
    if (problems.length) this.failed(problems.join("; "));
  }

  async #listen(file) {
    if (file.size > this.mostBytes) {
      throw new Error(`the file has more than ${this.mostBytes / 2 ** 20} MiB; cut it, or encode it smaller`);
    }
    const { token, mark, heard } = await send(file);
    return { token, mark, heard, id: "", title: file.name, artist: "your file", labels: {}, player: true,
      url: URL.createObjectURL(file) };
  }
}

// The disc, which plays where there is something to play.
export function player(song, pixels) {
  if (!song.player) return make("span", { class: "play silent" }, disc(song.mark, pixels));
  const now = isPlaying(song);
  return make("button", { type: "button", class: now ? "play on" : "play", "data-play": ref(song),
    "aria-label": `${now ? "Pause" : "Play"} ${song.title || song.id}`, onclick: () => toggle(song) },
  disc(song.mark, pixels));
}
