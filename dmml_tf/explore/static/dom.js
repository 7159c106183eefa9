// Elements are made here and text is set as text: nothing that a song says is ever read as HTML.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// A name of someone else's: isolated, so that right-to-left marks in it turn nothing around it.
export const name = (text, style = "") => make("bdi", { class: style, title: text }, text);

// A song's labels as its table says them; of a song without, what the sub-spaces hear, and that it is heard.
export function labelsOf(song) {
  const read = Object.values(song.labels).filter(Boolean).map((label) => label.replaceAll("|", ", "));
  const heard = Object.values(song.heard ?? {});
  return read.length || !heard.length ? read.join(" · ") : `heard as ${heard.join(", ")}`;
}

// Moves the one tab stop of a group of elements and the focus with it.
export function rove(event, elements, across = false) {
  const [back, on] = across ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const now = elements.indexOf(document.activeElement);
  const to = { [back]: now - 1, [on]: now + 1, Home: 0, End: elements.length - 1 }[event.key];
  if (to === undefined || !elements[to]) return null;
  event.preventDefault();
  elements[to].focus();
  return elements[to];
}
