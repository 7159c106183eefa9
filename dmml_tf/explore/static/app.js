// Joins the parts of the page: what changes asks again, and the answer is shown.

import { ask, enter, get } from "./api.js";
import { $ } from "./dom.js";
import { showFilters, startFilters } from "./filters.js";
import { light, point, showMap, startMap } from "./map.js";
import { isPlaying, start as startPlayer, toggle } from "./player.js";
import { showColumns, showResults } from "./results.js";
import { save } from "./save.js";
import { kindOf, like, showSeeds, startSeeds } from "./seeds.js";
import { Slots } from "./slots.js";
import { question, readAddress, ref, state, writeAddress } from "./state.js";
import { showView, startViews } from "./views.js";
import { showSides, showWeights } from "./weights.js";

const NOTHING = { hits: [], asked: [] };
let slots, asked = 0, waiting = 0, stop = new AbortController(), found = NOTHING;

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// A slider that is being moved asks once it rests.
function changed() {
  document.documentElement.dataset.state = "busy";
  showSides();
  showFilters();
  writeAddress();
  clearTimeout(waiting);
  waiting = setTimeout(search, 60);
}

async function search() {
  const mine = (asked += 1);
  stop.abort();
  stop = new AbortController();
  try {
    const answer = await ask(...question(), stop.signal);
    if (mine !== asked) return;
    found = { asked: answer.asked, hits: answer.hits ?? answer.songs };
    problem(found.hits.length ? "" : "No song is left: allow more of them");
  } catch (error) {
    if (error.name === "AbortError" || mine !== asked) return;
    found = NOTHING;
    problem(error.message);
  }
  const actions = { a: (song) => slots.put("a", song), b: (song) => slots.put("b", song), l: (song) => like(song),
    d: (song) => like(song, "disliked") };
  showResults(found.hits, actions, point);
  const count = found.hits.length;
  $("save").disabled = !count;
  $("status").textContent = count ? `${count} results, first ${found.hits[0].title}` : "No results";
  document.documentElement.dataset.found = state.view; // the songs are there; the map may still be drawn
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

function weightChanged() {
  if (state.view === "path") showView(); // what is not weighed can be kept
  changed();
}

function seedsChanged() {
  for (const button of document.querySelectorAll("[data-like]")) {
    const [kind, row] = button.dataset.like.split(" ");
    button.setAttribute("aria-pressed", String(kindOf({ row: Number(row) }) === kind));
  }
  if (state.view === "playlist") changed();
  else writeAddress();
}

function playedChanged() {
  for (const button of document.querySelectorAll("[data-play]")) {
    const key = button.dataset.play;
    const shown = [state.slots.a, state.slots.b, ...found.hits];
    const song = shown.find((one) => one && String(ref(one)) === key);
    const now = song !== undefined && isPlaying(song);
    button.classList.toggle("on", now);
    if (song) button.setAttribute("aria-label", `${now ? "Pause" : "Play"} ${song.title || song.id}`);
  }
}

// What is in an order goes on by itself.
function playedToTheEnd(song) {
  const place = found.hits.findIndex((hit) => ref(hit) === ref(song));
  const next = state.view !== "search" && place >= 0 && found.hits.slice(place + 1).find((hit) => hit.player);
  if (next) toggle(next);
}

async function saveShown() {
  try {
    await save(found.hits, `dmml-${state.view}`);
    $("status").textContent = "Saved";
  } catch (error) {
    problem(error.message);
  }
}

function pressed(event) {
  if (event.target.matches("input:not([type=range], [type=checkbox]), select")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    slots.focus("a");
  } else if (event.key === "s" && found.hits.length) saveShown();
}

async function start() {
  await enter(new URLSearchParams(location.hash.slice(1)).get("token"));
  const about = await get("/about");
  state.parts = about.parts;
  state.heard = about.heard;
  $("about").textContent = `${about.name} · ${about.tracks.toLocaleString("en")} songs`;
  $("judge").hidden = !about.judge;
  $("judge").href = about.judge;
  $("not-its-album").parentElement.hidden = !about.albums;
  const ids = readAddress(location.hash);
  slots = new Slots(about.most_bytes, changed, problem);
  startPlayer(playedChanged, playedToTheEnd, problem);
  showColumns();
  showWeights(weightChanged);
  startViews(changed);
  startFilters(changed, problem);
  startSeeds(seedsChanged);
  startMap(mapChanged, async (row) => slots.put("a", await get(`/songs/${row}`)));
  $("save").addEventListener("click", saveShown);
  document.addEventListener("keydown", pressed);
  await slots.putId("a", ids.a);
  await slots.putId("b", ids.b);
  for (const kind of ["liked", "disliked"]) {
    state[kind] = await Promise.all(ids[kind].map((id) => get("/song", [["id", id]])));
  }
  showSeeds();
  if (!state.slots.a) state.slots.a = await get(`/songs/${about.example}`);
  slots.show();
  changed();
}

start().catch((error) => problem(error.message));
