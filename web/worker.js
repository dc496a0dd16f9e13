// Keeps what the page loaded, so that it works without a network; with one, the newest of everything is taken.

const NAME = "movinet-stream-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  const ours = event.data.filter((address) => new URL(address).origin === location.origin);
  event.waitUntil(keep(ours).then(() => event.source.postMessage("kept")));
});

async function keep(addresses) {
  const cache = await caches.open(NAME);
  await Promise.all(addresses.map(async (address) => {
    const answer = await fetch(address);
    if (answer.ok) await cache.put(address, answer);
  }));
  const models = new URL("model/", location).href;
  const old = (await cache.keys()).filter(({ url }) => url.startsWith(models) && !addresses.includes(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith(fresh(event.request));
});

async function fresh(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: request.mode === "navigate" });
    if (kept) return kept;
    throw error;
  }
}
