// A slider a condition, and from which of the two songs its part is taken.

import { $, make } from "./dom.js";
import { state } from "./state.js";

export function showWeights(changed) {
  $("sliders").replaceChildren(...state.parts.map((part, number) => row(part, number, changed)));
}

// Sides mean something only while there are two songs.
export function showSides() {
  const two = state.slots.b !== null;
  $("weights").classList.toggle("two", two);
  for (const button of document.querySelectorAll("#sliders [role=switch]")) {
    const side = two ? state.sides[button.dataset.part] : "a";
    button.disabled = !two;
    button.setAttribute("aria-checked", String(side === "b"));
    button.closest(".weight").dataset.side = side;
  }
}

function row({ name, owning }, number, changed) {
  const shown = make("output", { for: `weight-${number}` });
  const slider = make("input", { type: "range", id: `weight-${number}`, min: 0, max: 1, step: 0.05,
    oninput: () => { state.weights[name] = Number(slider.value); show(); changed(); } });
  slider.value = state.weights[name];
  function show() {
    shown.textContent = state.weights[name].toFixed(2);
    slider.style.setProperty("--at", `${100 * state.weights[name]}%`);
    slider.closest(".weight")?.classList.toggle("off", state.weights[name] === 0);
  }
  const side = make("button", { type: "button", role: "switch", "data-part": name, "aria-checked": "false",
    "aria-label": `${name}: take it from song B`, onclick: () => {
      state.sides[name] = state.sides[name] === "a" ? "b" : "a";
      showSides();
      changed();
    } }, make("span", { "aria-hidden": "true" }, "A"), make("span", { "aria-hidden": "true" }, "B"));
  const whole = owning ? null : "the embedding as a whole";
  const line = make("div", { class: "weight" }, make("label", { for: `weight-${number}`, title: whole }, name), slider,
    shown, side);
  show();
  line.classList.toggle("off", state.weights[name] === 0);
  return line;
}
