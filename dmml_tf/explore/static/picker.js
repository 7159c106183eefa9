// A field that finds songs by words: the combobox pattern of the ARIA authoring practices.

import { get } from "./api.js";
import { labelsOf, make, name } from "./dom.js";
import { disc } from "./mark.js";

let count = 0;

export function picker(label, placeholder, chosen, failed) {
  const id = `songs-${(count += 1)}`;
  const list = make("ul", { role: "listbox", id, hidden: true, "aria-label": "Songs" });
  const field = make("input", {
    type: "text", role: "combobox", placeholder, autocomplete: "off", spellcheck: "false", "aria-label": label,
    "aria-controls": id, "aria-expanded": "false", "aria-autocomplete": "list", maxlength: 200,
  });
  let songs = [], at = -1, asked = 0, waiting = 0;

  function close() {
    asked += 1; // an answer that is still under way comes too late
    clearTimeout(waiting);
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function point(to) {
    at = Math.max(0, Math.min(songs.length - 1, to));
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    list.children[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", list.children[at].id);
  }

  function take(song) {
    close();
    field.value = "";
    chosen(song);
  }

  async function open() {
    const mine = (asked += 1);
    try {
      const found = await get("/songs", [["text", field.value], ["count", "40"]]);
      if (mine !== asked) return;
      songs = found;
      list.replaceChildren(...songs.map((song, i) => option(song, `${id}-${i}`, () => take(song))));
      if (!songs.length) list.append(make("li", { class: "none" }, "No song has all of these words"));
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
      if (songs.length) point(0);
    } catch (error) {
      failed(error.message);
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(open, 80);
  });
  field.addEventListener("click", open);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    const shown = !list.hidden && songs.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (shown) point(at + (event.key === "ArrowDown" ? 1 : -1));
      else open();
    } else if (event.key === "Enter" && shown) {
      event.preventDefault();
      take(songs[at]);
    } else if (event.key === "Escape") {
      close();
      field.value = "";
    }
  });
  // The field keeps the focus, or its "blur" would close the list before the click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  return make("div", { class: "picker" }, field, list);
}

function option(song, id, taken) {
  return make("li", { role: "option", id, "aria-selected": "false", onclick: taken }, disc(song.mark, 30),
    make("span", {}, name(song.title || song.id, "title"),
      name([song.artist, labelsOf(song)].filter(Boolean).join(" · "), "artist")));
}
