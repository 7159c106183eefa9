// One player for the whole page.

import { API } from "./api.js";
import { $ } from "./dom.js";
import { draw } from "./mark.js";
import { ref } from "./state.js";

const audio = new Audio();
let playing = null; // the song
let onChange = () => {};

const clock = (seconds) => {
  const whole = Number.isFinite(seconds) ? Math.floor(seconds) : 0;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

export const isPlaying = (song) => !audio.paused && playing !== null && ref(song) === ref(playing);

export function toggle(song) {
  if (playing === null || ref(song) !== ref(playing)) {
    playing = song;
    audio.src = song.url ?? `${API}/songs/${song.row}/audio`;
    draw($("playing-mark"), song.mark, 40);
    $("playing-title").textContent = song.title || song.id;
    $("playing-artist").textContent = song.artist;
    $("player").hidden = false;
  }
  if (audio.paused) audio.play().catch(() => {}); // what fails says so as an "error" event
  else audio.pause();
}

export function start(changed, ended, failed) {
  onChange = changed;
  $("playing-toggle").addEventListener("click", () => toggle(playing));
  $("playing-seek").addEventListener("input", (event) => {
    if (Number.isFinite(audio.duration)) audio.currentTime = event.target.value * audio.duration;
  });
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, show);
  for (const event of ["playing", "pause"]) {
    audio.addEventListener(event, () => { $("player").dataset.state = event; });
  }
  audio.addEventListener("ended", () => ended(playing));
  audio.addEventListener("error", () => failed("this song's audio cannot be played here"));
  for (const event of ["timeupdate", "durationchange"]) {
    audio.addEventListener(event, () => {
      $("playing-time").textContent = clock(audio.currentTime);
      $("playing-length").textContent = clock(audio.duration);
      const part = audio.duration ? audio.currentTime / audio.duration : 0;
      $("playing-seek").value = part;
      $("playing-seek").style.setProperty("--at", `${100 * part}%`);
      $("playing-seek").setAttribute("aria-valuetext", `${clock(audio.currentTime)} of ${clock(audio.duration)}`);
    });
  }
}

function show() {
  const button = $("playing-toggle");
  button.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  button.classList.toggle("on", !audio.paused);
  $("playing-mark").classList.toggle("turning", !audio.paused);
  onChange();
}
