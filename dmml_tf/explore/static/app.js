// Joins the parts of the page: what changes asks again, and the answer is shown.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { light, point, showMap, startMap } from "./map.js";
import { isPlaying, start as startPlayer } from "./player.js";
import { showColumns, showResults } from "./results.js";
import { Slots } from "./slots.js";
import { readAddress, searchPairs, state, writeAddress } from "./state.js";
import { showSides, showWeights } from "./weights.js";

let slots, asked = 0, waiting = 0, stop = new AbortController(), found = { hits: [], slots: {} };

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// A slider that is being moved asks once it rests.
function changed() {
  document.documentElement.dataset.state = "busy";
  showSides();
  writeAddress();
  clearTimeout(waiting);
  waiting = setTimeout(ask, 60);
}

async function ask() {
  const mine = (asked += 1);
  stop.abort();
  stop = new AbortController();
  try {
    if (!state.slots.a) throw new Error("Pick a song, or drop a file");
    if (state.parts.every(({ name }) => state.weights[name] === 0)) {
      throw new Error("Nothing should be alike: move a slider up");
    }
    found = await get("/api/search", searchPairs(), stop.signal);
    if (mine !== asked) return;
    problem("");
  } catch (error) {
    if (error.name === "AbortError" || mine !== asked) return;
    found = { hits: [], slots: {} };
    problem(error.message);
  }
  showResults(found.hits, (side, hit) => slots.put(side, hit), point);
  const count = found.hits.length;
  $("status").textContent = count ? `${count} results, first ${found.hits[0].title}` : "No results";
  await drawMap();
  if (mine === asked) document.documentElement.dataset.state = "ready";
}

async function drawMap() {
  try {
    await showMap();
    light(found);
  } catch (error) {
    problem(error.message);
  }
}

async function mapChanged() {
  writeAddress();
  await drawMap();
}

function playedChanged() {
  for (const button of document.querySelectorAll("[data-play]")) {
    const key = button.dataset.play;
    const shown = [state.slots.a, state.slots.b, ...found.hits];
    const song = shown.find((one) => one && String(one.token ?? one.row) === key);
    const now = song !== undefined && isPlaying(song);
    button.classList.toggle("on", now);
    if (song) button.setAttribute("aria-label", `${now ? "Pause" : "Play"} ${song.title || song.id}`);
  }
}

async function start() {
  const about = await get("/api/run");
  state.parts = about.parts;
  $("about").textContent = `${about.run} · ${about.tracks.toLocaleString("en")} songs`;
  const ids = readAddress(location.hash);
  slots = new Slots(about.most_bytes, changed, problem);
  startPlayer(playedChanged, problem);
  showColumns();
  showWeights(changed);
  startMap(mapChanged, async (row) => slots.put("a", await get(`/api/songs/${row}`)));
  $("not-its-artist").addEventListener("change", (event) => { state.notItsArtist = event.target.checked; changed(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input[type=text]")) {
      event.preventDefault();
      slots.focus("a");
    }
  });
  await slots.putId("a", ids.a);
  await slots.putId("b", ids.b);
  if (!state.slots.a) state.slots.a = await get(`/api/songs/${about.example}`);
  slots.show();
  changed();
}

start().catch((error) => problem(error.message));
