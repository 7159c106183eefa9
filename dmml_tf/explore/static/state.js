// What is asked, and the part of the address after # that keeps it (see dmml_tf/explore/picture.py, `state`).

export const state = {
  parts: [], // of the index: name, column (whose label belongs to it), owning (a sub-space of its own)
  slots: { a: null, b: null }, // song: what /api/songs says of it, or {token, title, ...} of a dropped file
  weights: {}, // name -> 0..1
  sides: {}, // name -> "a" or "b"
  notItsArtist: false,
  map: "",
};

export function readAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const weighed = state.parts.some(({ name }) => given.has(`weight:${name}`));
  for (const { name, owning } of state.parts) {
    const weight = Number(given.get(`weight:${name}`));
    state.weights[name] = weighed ? Math.min(1, Math.max(0, weight || 0)) : owning ? 1 : 0;
    state.sides[name] = given.getAll("from_b").includes(name) ? "b" : "a";
  }
  const names = state.parts.map((part) => part.name);
  state.map = names.includes(given.get("map")) ? given.get("map") : names[0];
  return { a: given.get("a"), b: given.get("b") };
}

export function writeAddress() {
  const pairs = ["a", "b"].filter((side) => state.slots[side]?.id).map((side) => [side, state.slots[side].id]);
  for (const { name } of state.parts) {
    pairs.push([`weight:${name}`, String(state.weights[name])]);
    if (state.sides[name] === "b") pairs.push(["from_b", name]);
  }
  pairs.push(["map", state.map]);
  history.replaceState(null, "", `#${new URLSearchParams(pairs)}`);
}

export function searchPairs() {
  const pairs = [["count", "12"], ["not_its_artist", String(state.notItsArtist)]];
  for (const [side, song] of Object.entries(state.slots)) {
    if (song) pairs.push([side, song.token ?? String(song.row)]);
  }
  for (const { name } of state.parts) {
    pairs.push(["weight", String(state.weights[name])], ["side", state.slots.b ? state.sides[name] : "a"]);
  }
  return pairs;
}
