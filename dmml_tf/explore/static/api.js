// The server's answers as plain data; an Error carries its one line.

export async function get(path, pairs = [], signal = undefined) {
  const query = new URLSearchParams(pairs).toString();
  return read(await fetch(query ? `${path}?${query}` : path, { signal }));
}

// The file is the body: its name stays here.
export async function send(path, file) {
  const headers = { "Content-Type": "application/octet-stream" };
  return read(await fetch(path, { method: "POST", body: file, headers }));
}

async function read(response) {
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(content.error || `the server answered ${response.status}`);
  return content;
}
