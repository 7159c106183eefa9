// Three clips, one answer: by keys or by pointer.

import { API, ask, enter } from "./api.js";
import { $ } from "./dom.js";

const ANSWERS = { ArrowLeft: "a", ArrowRight: "b", ArrowDown: "same", ArrowUp: "neither" };
const NAMES = ["First", "A", "B"];
const root = document.documentElement.dataset;
const clipButtons = () => [...document.querySelectorAll("[data-clip]")];
const answerButtons = () => [...document.querySelectorAll("[data-answer]")];
let listener = "", showing = "", sounds = [], plays = [0, 0, 0], after = [];

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function state(name) {
  root.state = name;
  $("begin").hidden = name !== "begin";
  $("question").hidden = !["asking", "sending"].includes(name);
  $("done").hidden = name !== "done";
}

function light(place) {
  for (const [number, button] of clipButtons().entries()) {
    button.classList.toggle("on", number === place);
    button.classList.toggle("played", plays[number] > 0);
  }
  for (const button of answerButtons()) button.disabled = !heardAll();
}

const heardAll = () => plays.every(Boolean);

function stop() {
  after = [];
  for (const sound of sounds) sound.pause();
}

// Plays one clip, then those that follow; what plays is stopped.
function play(place, following = []) {
  stop();
  after = following;
  const sound = sounds[place];
  sound.currentTime = 0;
  sound.play().catch(() => {}); // stopped before it began, or an "error" event that says why
}

function load(address, place) {
  const sound = new Audio(API + address);
  sound.preload = "auto";
  sound.addEventListener("playing", () => {
    if (sounds[place] !== sound) return;
    plays[place] += 1;
    light(place);
  });
  sound.addEventListener("ended", () => {
    if (sounds[place] !== sound) return;
    light(-1);
    if (after.length) play(after[0], after.slice(1));
  });
  sound.addEventListener("error", () => {
    if (sounds[place] === sound) problem(`${NAMES[place]} cannot be played here`);
  });
  return sound;
}

async function next() {
  state("busy");
  const asked = await ask("/judge/next", { listener });
  showing = asked.showing;
  plays = [0, 0, 0];
  $("count").textContent = showing ? `${asked.number} of ${asked.of}` : "";
  if (!showing) return state("done");
  sounds = asked.clips.map(load);
  state("asking");
  light(-1);
  $("status").textContent = `Question ${asked.number} of ${asked.of}`;
  play(0, [1, 2]);
}

async function answer(chosen) {
  if (root.state !== "asking") return;
  if (!heardAll()) return problem("Listen to all three first");
  problem("");
  stop();
  state("sending");
  try {
    await ask("/judge/votes", { showing, answer: chosen, plays });
    await next();
  } catch (error) {
    problem(error.message);
    // The vote was not taken, or the next question is not there: the same keys try again.
    if (root.state === "sending") state("asking");
    else if (root.state === "busy") state("begin");
  }
}

async function begin(event) {
  event?.preventDefault();
  listener = $("code").value.trim();
  problem("");
  try {
    await next();
  } catch (error) {
    state("begin");
    problem(error.message);
  }
}

function pressed(event) {
  if (root.state !== "asking" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (ANSWERS[event.key]) {
    event.preventDefault();
    answer(ANSWERS[event.key]);
  } else if ("123".includes(event.key)) {
    play(Number(event.key) - 1);
  } else if (event.key === " " && !event.target.matches("button")) {
    event.preventDefault();
    play(0, [1, 2]);
  }
}

async function start() {
  const given = new URLSearchParams(location.hash.slice(1));
  await enter(given.get("token"));
  for (const [place, button] of clipButtons().entries()) button.addEventListener("click", () => play(place));
  for (const button of answerButtons()) button.addEventListener("click", () => answer(button.dataset.answer));
  $("begin").addEventListener("submit", begin);
  document.addEventListener("keydown", pressed);
  const letters = crypto.getRandomValues(new Uint8Array(5));
  $("code").value = given.get("listener") ?? [...letters].map((one) => "bcdfghjkmnpqrstvwxyz"[one % 20]).join("");
  if (given.get("listener")) return begin();
  state("begin");
  $("code").focus();
  $("code").select();
}

start().catch((error) => problem(error.message));
