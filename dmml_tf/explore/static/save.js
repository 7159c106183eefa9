// The songs shown as a playlist file.

import { API } from "./api.js";
import { make } from "./dom.js";

export async function save(songs, title) {
  const rows = songs.map((song) => song.row).filter(Number.isInteger);
  if (!rows.length) throw new Error("There is nothing to save");
  const response = await fetch(`${API}/m3u8`, { method: "POST", body: JSON.stringify({ songs: rows }),
    headers: { "Content-Type": "application/json" } });
  if (!response.ok) throw new Error((await response.json()).error);
  const url = URL.createObjectURL(await response.blob());
  const link = make("a", { href: url, download: `${title}.m3u8` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
