// The worker behind notifications on phones: a press on one leads to the page it came from.

/** @type {any} */
const worker = self;

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = pages.find((/** @type {any} */ p) => new URL(p.url).pathname === "/messenger");
    if (!page) return worker.clients.openWindow("/messenger");
    page.postMessage(event.notification.tag);
    return page.focus();
  })());
});
