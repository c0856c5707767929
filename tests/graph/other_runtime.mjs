// Runs a graph with onnxruntime-web: node other_runtime.mjs MODULES MODEL FEED OUT. OUT gets the float32 values.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const [modules, model, feedFile, out] = process.argv.slice(2);
const ort = createRequire(modules + "/")("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
const { types, columns } = JSON.parse(readFileSync(feedFile, "utf8"));
const feed = {};
for (const [name, values] of Object.entries(columns)) {
  const flat = values.flat(); // a row of a sequence or an image is a list
  const shape = [values.length, Array.isArray(values[0]) ? values[0].length : 1];
  if (types[name] === "string") feed[name] = new ort.Tensor("string", flat, shape);
  else if (types[name] === "int64") feed[name] = new ort.Tensor("int64", BigInt64Array.from(flat.map(BigInt)), shape);
  else {
    const number = (text) => ({ nan: NaN, inf: Infinity, "-inf": -Infinity })[text] ?? Number(text);
    feed[name] = new ort.Tensor("float64", Float64Array.from(flat.map(number)), shape);
  }
}
const result = await session.run(feed);
writeFileSync(out, Buffer.from(result[session.outputNames[0]].data.slice().buffer));
