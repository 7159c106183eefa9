// What is asked, and the part of the address after # that keeps it (see dmml_tf/explore/picture.py, `state`).

export const VIEWS = ["search", "path", "playlist"];

export const state = {
  heard: false, // whether colours of the map are heard labels, since the songs have none
  parts: [], // of the index: name, column (whose label belongs to it), owning (a sub-space of its own)
  slots: { a: null, b: null }, // song: what /songs says of it, or {token, title, ...} of a dropped file
  liked: [], // songs, or files
  disliked: [],
  weights: {}, // name -> 0..1
  sides: {}, // name -> "a" or "b"
  filters: {}, // column -> text, or [least, most] as text, either of which may be empty
  notItsArtist: false,
  notItsAlbum: false,
  view: "search",
  steps: 10, // of a path
  keep: new Set(), // parts that a path leaves as they are in song A
  length: 20, // of a playlist
  unit: "songs", // or "minutes"
  variety: 0.3, // 0..1
  map: "",
};

// How the API names a song.
export const ref = (song) => song.token ?? song.row;

export function readAddress(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const weighed = state.parts.some(({ name }) => given.has(`weight:${name}`));
  for (const { name, owning } of state.parts) {
    const weight = Number(given.get(`weight:${name}`));
    state.weights[name] = weighed ? Math.min(1, Math.max(0, weight || 0)) : owning ? 1 : 0;
    state.sides[name] = given.getAll("from_b").includes(name) ? "b" : "a";
    if (given.getAll("keep").includes(name)) state.keep.add(name);
  }
  const names = state.parts.map((part) => part.name);
  state.map = names.includes(given.get("map")) ? given.get("map") : names[0];
  if (VIEWS.includes(given.get("view"))) state.view = given.get("view");
  return { a: given.get("a"), b: given.get("b"), liked: given.getAll("like"), disliked: given.getAll("dislike") };
}

export function writeAddress() {
  const pairs = ["a", "b"].filter((side) => state.slots[side]?.id).map((side) => [side, state.slots[side].id]);
  for (const { name } of state.parts) {
    pairs.push([`weight:${name}`, String(state.weights[name])]);
    if (state.sides[name] === "b") pairs.push(["from_b", name]);
    if (state.keep.has(name)) pairs.push(["keep", name]);
  }
  for (const song of state.liked) if (song.id) pairs.push(["like", song.id]);
  for (const song of state.disliked) if (song.id) pairs.push(["dislike", song.id]);
  if (state.view !== "search") pairs.push(["view", state.view]);
  pairs.push(["map", state.map]);
  history.replaceState(null, "", `#${new URLSearchParams(pairs)}`);
}

// What the view asks, as the API has it: [path, question]. An Error says what is missing.
export function question() {
  const { a, b } = state.slots;
  if (state.parts.every(({ name }) => state.weights[name] === 0)) {
    throw new Error("Nothing should be alike: move a slider up");
  }
  const common = { weights: state.weights, filters: filters() };
  if (state.view === "path") {
    if (!a || !b) throw new Error("A path leads from song A to song B: pick both");
    const keep = [...state.keep].filter((name) => state.weights[name] === 0);
    return ["/path", { ...common, start: ref(a), end: ref(b), steps: state.steps, keep }];
  }
  const own = { not_its_artist: state.notItsArtist, not_its_album: state.notItsAlbum };
  if (state.view === "playlist") {
    const like = state.liked.length ? state.liked : [a, b].filter(Boolean);
    if (!like.length) throw new Error("Like a song, or pick one");
    return ["/playlist", { ...common, ...own, seeds: like.map(ref), dislikes: state.disliked.map(ref),
      [state.unit]: state.length, variety: state.variety }];
  }
  if (!a) throw new Error("Pick a song, or drop a file");
  const parts = {};
  for (const { name } of state.parts) if (b && state.sides[name] === "b") parts[name] = ref(b);
  return ["/search", { ...common, ...own, like: ref(a), parts, count: 12 }];
}

export function filters() {
  return Object.entries(state.filters).flatMap(([column, wanted]) => {
    if (!Array.isArray(wanted)) return wanted ? [`${column}=${wanted}`] : [];
    const [least, most] = wanted;
    return least || most ? [`${column}=${least}..${most}`] : [];
  });
}
