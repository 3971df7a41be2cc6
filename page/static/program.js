// The verifier as WebAssembly: unpacked and compiled once, started anew for each
// judgement, so that a file that ends one leaves the next as it was.
const verifier = (() => {
  const unpack = async () => {
    const packed = atob(document.getElementById('program').textContent);
    const bytes = Uint8Array.from(packed, (c) => c.charCodeAt(0));
    const wasm = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return WebAssembly.compileStreaming(new Response(wasm, { headers: { 'Content-Type': 'application/wasm' } }));
  };
  const compiled = unpack();
  const start = async () => {
    const go = new Go();
    const instance = await WebAssembly.instantiate(await compiled, go.importObject);
    return new Promise((resolve, reject) => {
      globalThis.gitLauncher = { ready: resolve };
      go.run(instance).then(() => reject(new Error('the verifier ended, and nothing was judged')), reject);
    });
  };
  return { start };
})();
