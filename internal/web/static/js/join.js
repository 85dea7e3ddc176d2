// The form to sign up: it does the work that the form asks for while it is being filled in.
const form = document.querySelector("form[data-bits]");
const answer = form.elements.namedItem("answer");
const working = form.querySelector("[data-working]");

let sending = null; // the button that was pressed before the work was done

function done(found) {
  answer.value = found;
  working.hidden = true;
  if (sending) {
    form.requestSubmit(sending);
  }
}

if (Number(form.dataset.bits) > 0 && answer.value === "") {
  const worker = new Worker(new URL("./proof_worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    done(data);
    worker.terminate();
  };
  worker.postMessage({ challenge: form.elements.namedItem("challenge").value, bits: Number(form.dataset.bits) });
  worker.onerror = () => form.removeEventListener("submit", hold); // it goes the way without scripts
  form.addEventListener("submit", hold);
}

function hold(event) {
  if (answer.value === "") {
    event.preventDefault();
    sending = event.submitter;
    working.hidden = false;
  }
}
