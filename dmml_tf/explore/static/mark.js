// A song's mark: a disc with a ring a sub-space. See dmml_tf/explore/marks.py for what hue and levels mean.

import { make } from "./dom.js";

const HOLE = 0.2;

export function disc(mark, pixels) {
  const canvas = make("canvas", { class: "disc", "aria-hidden": "true" });
  draw(canvas, mark, pixels);
  return canvas;
}

export function draw(canvas, mark, pixels) {
  const scale = Math.max(2, window.devicePixelRatio || 1), radius = (pixels * scale) / 2;
  canvas.width = canvas.height = pixels * scale;
  canvas.style.width = canvas.style.height = `${pixels}px`;
  const pen = canvas.getContext("2d");
  pen.translate(radius, radius);
  wedge(pen, 0, radius, 0, 2 * Math.PI, "oklch(0.27 0.02 280)");
  const width = (0.95 - HOLE) / mark.length;
  mark.forEach(([hue, levels], ring) => {
    const outer = (0.95 - ring * width) * radius, inner = outer - 0.82 * width * radius;
    const turn = (2 * Math.PI) / levels.length;
    levels.forEach((level, i) => {
      const light = 0.42 + 0.4 * (level / 9), colour = 0.05 + 0.1 * (level / 9);
      wedge(pen, inner, outer, i * turn, (i + 0.93) * turn, `oklch(${light} ${colour} ${hue})`);
    });
  });
  wedge(pen, 0, 0.55 * HOLE * radius, 0, 2 * Math.PI, "oklch(0.97 0.005 90)");
}

function wedge(pen, inner, outer, from, to, colour) {
  pen.beginPath();
  pen.arc(0, 0, outer, from, to);
  pen.arc(0, 0, inner, to, from, true);
  pen.fillStyle = colour;
  pen.fill();
}
