// Notifications where the browser shows only those of a worker, which outlives the page's sleep.

/** The worker. It does nothing but to lead back here when a notification is pressed. */
const worker = new URL("./notify_worker.js", import.meta.url);

/** @type {Map<string, () => void>} what a press does, by the notification's tag */
const acts = new Map();

/**
 * Shows a notification by way of the worker.
 * @param {string} title
 * @param {NotificationOptions & {tag: string}} options
 * @param {() => void} act what a press on it does
 */
export async function notifyByWorker(title, options, act) {
  try {
    acts.set(options.tag, act);
    const { serviceWorker } = navigator;
    const registration = await serviceWorker.register(worker);
    serviceWorker.onmessage = ({ data }) => acts.get(data)?.();
    if (!registration.active) await activated(registration);
    await registration.showNotification(title, options);
  } catch {
    // not here, or not now
  }
}

/**
 * Waits until a worker that was just registered can be used.
 * @param {ServiceWorkerRegistration} registration
 */
function activated(registration) {
  const coming = registration.installing ?? registration.waiting;
  return new Promise((/** @type {(value: void) => void} */ resolve) => {
    if (!coming) return resolve();
    coming.addEventListener("statechange", () => {
      if (coming.state === "activated" || coming.state === "redundant") resolve();
    });
  });
}
