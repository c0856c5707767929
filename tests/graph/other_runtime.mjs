// Runs graphs with onnxruntime-web: node other_runtime.mjs MODULES FOLDER... . A folder's model.onnx is given feed.json, and
// then its first row alone; out.bin gets the float32 values of both.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const [modules, ...folders] = process.argv.slice(2);
const ort = createRequire(modules + "/")("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const number = (text) => ({ nan: NaN, inf: Infinity, "-inf": -Infinity })[text] ?? Number(text);

function tensor(type, rows) {
  const flat = rows.flat(); // a row of a sequence or an image is several values
  const shape = [rows.length, rows[0].length];
  if (type === "string") return new ort.Tensor("string", flat, shape);
  if (type === "int64") return new ort.Tensor("int64", BigInt64Array.from(flat.map(BigInt)), shape);
  return new ort.Tensor("float64", Float64Array.from(flat.map(number)), shape);
}

for (const folder of folders) {
  const session = await ort.InferenceSession.create(readFileSync(folder + "/model.onnx"), { executionProviders: ["wasm"] });
  const { types, columns } = JSON.parse(readFileSync(folder + "/feed.json", "utf8"));
  const run = async (count) => {
    const entries = Object.entries(columns).map(([name, rows]) => [name, tensor(types[name], rows.slice(0, count))]);
    return (await session.run(Object.fromEntries(entries)))[session.outputNames[0]].data;
  };
  const [whole, first] = [await run(Infinity), await run(1)];
  writeFileSync(folder + "/out.bin", Buffer.from(Float32Array.of(...whole, ...first).buffer));
}
