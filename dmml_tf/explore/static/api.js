// The server's answers as plain data; an Error carries its one line. What can be asked is described at /docs.

export const API = "/api/v1";

export async function get(path, pairs = []) {
  const query = new URLSearchParams(pairs).toString();
  return read(await fetch(API + (query ? `${path}?${query}` : path)));
}

export async function ask(path, question, signal = undefined) {
  return read(await post(path, JSON.stringify(question), { "Content-Type": "application/json" }, signal));
}

// A file is the body: its name stays here.
export async function send(file) {
  return read(await post("/embed", file, { "Content-Type": "application/octet-stream" }));
}

// The token that a server for other machines printed: it becomes a cookie, which a player sends too.
export async function enter(token) {
  if (token) await read(await post("/session", "", { Authorization: `Bearer ${token}` }));
}

const post = (path, body, headers, signal) => fetch(API + path, { method: "POST", body, headers, signal });

async function read(response) {
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(content.error || `the server answered ${response.status}`);
  return content;
}
