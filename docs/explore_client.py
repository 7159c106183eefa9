"""Asks the page of `dmml explore` from a program: python explore_client.py ADDRESS WORDS [FILE]

ADDRESS is what the server printed, with its token if it has one. Prints the songs that are most like the first one with
these words, by the first condition alone; those that are most like FILE; and a path between both as a playlist.
"""

import json
import sys
from urllib.parse import parse_qs, quote
from urllib.request import Request, urlopen


class Client:
    """`client.ask("songs?text=blue")`, `client.ask("search", {"like": 3, "count": 5})`."""

    def __init__(self, address: str):
        base, _, state = address.partition("#")
        self.base, token = base.rstrip("/") + "/api/v1/", parse_qs(state).get("token")
        self.headers = {"Authorization": f"Bearer {token[0]}"} if token else {}

    def ask(self, path: str, question: object = None) -> object:
        """The answer to a question, or, where the question is bytes, of a file."""
        body = question if isinstance(question, bytes | None) else json.dumps(question).encode()
        headers = self.headers | ({"Content-Type": "application/json"} if isinstance(question, dict) else {})
        with urlopen(Request(self.base + path, body, headers)) as answer:
            content = answer.read().decode()
        return json.loads(content) if answer.headers["content-type"] == "application/json" else content


if __name__ == "__main__":
    client = Client(sys.argv[1])
    song, part = client.ask(f"songs?text={quote(sys.argv[2])}")[0]["row"], client.ask("about")["parts"][0]["name"]
    examples = [song, *(client.ask("embed", open(file, "rb").read())["token"] for file in sys.argv[3:4])]
    for example in examples:
        for hit in client.ask("search", {"like": example, "weights": {part: 1}, "count": 5})["hits"]:
            print(f"{hit['score']:.2f}  {hit['artist']}: {hit['title'] or hit['id']}")
    if len(examples) == 2:
        path = client.ask("path", {"start": examples[0], "end": examples[1], "steps": 5})
        print(client.ask("m3u8", {"songs": [stop["row"] for stop in path["songs"]]}), end="")
