// ONNX Runtime in the browser: WebGPU where there is one, else WebAssembly with SIMD and, where it may, threads.

const wish = new URLSearchParams(location.search); // ?engine=wasm&threads=1

/** Returns { ort, session, name } of a model file. */
export async function load(file) {
  const hasGpu = wish.get("engine") !== "wasm" && (await navigator.gpu?.requestAdapter());
  if (hasGpu) {
    try {
      return await start("webgpu", file);
    } catch (error) {
      console.warn("WebGPU cannot run the model; WebAssembly does", error);
    }
  }
  return start("wasm", file);
}

async function start(provider, file) {
  const ort = await import(`./ort/ort.${provider}.min.mjs`);
  const threads = Number(wish.get("threads")) || Math.min(2, navigator.hardwareConcurrency);
  ort.env.wasm.numThreads = self.crossOriginIsolated ? threads : 1;
  ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
  const session = await ort.InferenceSession.create(file, { executionProviders: [provider], graphOptimizationLevel: "all" });
  const count = ort.env.wasm.numThreads;
  const name = provider === "webgpu" ? "WebGPU" : `WebAssembly, ${count} ${count === 1 ? "thread" : "threads"}`;
  return { ort, session, name };
}
