// The API's description, /openapi.json, as a page.

import { $, make } from "./dom.js";

const link = (name) => make("a", { href: `#${name}` }, name);

// A schema in a few words: `list of Song`, `text or null`.
function type(schema) {
  if (schema.$ref) return [link(schema.$ref.split("/").pop())];
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.flatMap((one, i) => (i ? [" or ", ...type(one)] : type(one)));
  if (schema.prefixItems) {
    return ["[", ...schema.prefixItems.flatMap((one, i) => (i ? [", ", ...type(one)] : type(one))), "]"];
  }
  if (schema.type === "array") return ["list of ", ...(schema.items ? type(schema.items) : ["anything"])];
  if (schema.type === "object" && schema.additionalProperties) return ["name → ", ...type(schema.additionalProperties)];
  return [{ string: "text", integer: "whole number", boolean: "true or false" }[schema.type] ?? schema.type ?? "anything"];
}

function row(name, schema, needed, text) {
  const limits = [["minimum", "from"], ["maximum", "to"], ["maxLength", "characters at most"], ["default", "default"]];
  const said = limits.filter(([key]) => schema[key] != null && schema[key] !== "")
    .map(([key, word]) => `${word} ${JSON.stringify(schema[key])}`);
  return [make("dt", {}, name), make("dd", {}, make("code", {}, ...type(schema)), needed ? " (needed)" : "",
    said.length ? `, ${said.join(", ")}` : "", text ? `. ${text}` : "")];
}

// The docstring of a schema: what it is, and under "Attributes:" a line a property.
function told(description = "") {
  const [about, attributes = ""] = description.split(/\n\s*Attributes:\n/);
  const texts = {};
  for (const [, names, text] of attributes.matchAll(/^\s*([\w, ]+): (.+(?:\n\s{6,}.+)*)/gm)) {
    for (const name of names.split(", ")) texts[name] = text.replace(/\s+/g, " ");
  }
  return { about, texts };
}

function route(path, method, of) {
  const parameters = (of.parameters ?? []).flatMap((one) => row(one.name, one.schema, one.required, one.description));
  const body = Object.entries(of.requestBody?.content ?? {}).flatMap(([media, { schema }]) => [make("dt", {}, "body"),
    make("dd", {}, ...(media === "application/json" ? type(schema) : [`the file (${media})`]))]);
  const answer = Object.entries(of.responses["200"]?.content ?? {}).filter(([, { schema }], i) => schema || !i)
    .flatMap(([media, { schema }]) => [make("dt", {}, "gives"),
      make("dd", {}, ...(schema?.$ref || schema?.type ? type(schema) : [media]))]);
  return make("article", {}, make("h3", {}, make("b", {}, method.toUpperCase()), ` ${path}`),
    make("p", {}, of.description ?? of.summary), make("dl", {}, ...parameters, ...body, ...answer.slice(-2)));
}

// A result is a song and more: what its own text does not tell of, that of a song does.
function schema(name, of, songs) {
  const { about, texts: own } = told(of.description), texts = { ...songs, ...own };
  const rows = Object.entries(of.properties ?? {})
    .flatMap(([key, one]) => row(key, one, of.required?.includes(key), one.description ?? texts[key]));
  return make("article", { id: name }, make("h3", {}, name), make("p", {}, about), make("dl", {}, ...rows));
}

const api = await (await fetch("/openapi.json")).json();
$("intro").textContent = api.info.description;
$("routes").replaceChildren(...Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, of]) => route(path, method, of))));
$("schemas").replaceChildren(...Object.entries(api.components.schemas)
  .filter(([name]) => !name.includes("Validation")).map(([name, of]) => schema(name, of, told(api.components.schemas.Song.description).texts)));
document.documentElement.dataset.state = "ready";
