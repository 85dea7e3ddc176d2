// The page of the patcher: the file that somebody chooses never leaves his machine.
import { MAX_PROGRAM, Refused, patch } from "./patch.js";

const { texts, say } = JSON.parse(document.getElementById("patch-table").textContent);
const patcher = document.querySelector("[data-patcher]");
const chosen = document.getElementById("program");
const said = patcher.querySelector("[data-said]");
const found = patcher.querySelector("[data-found]");
const result = patcher.querySelector("[data-result]");

let offered = ""; // the address of the copy

patcher.hidden = false;
chosen.addEventListener("change", () => choose(chosen.files[0]));
if (chosen.files.length > 0) {
  choose(chosen.files[0]); // the browser has kept it over a reload
}

async function choose(file) {
  said.replaceChildren();
  found.hidden = result.hidden = true;
  URL.revokeObjectURL(offered);
  if (!file) {
    return;
  }
  try {
    if (file.size > MAX_PROGRAM) {
      throw new Refused("too_large");
    }
    show(file, patch(new Uint8Array(await file.arrayBuffer()), texts));
  } catch (err) {
    tell("bad", say[err instanceof Refused ? `connect.patch_${err.message}` : "connect.patch_unreadable"]);
  }
}

// tell adds a note.
function tell(kind, text) {
  const note = document.createElement("p");
  note.className = `note ${kind}`;
  note.textContent = text;
  said.append(note);
}

function show(file, { version, suits, changes, already, left, program }) {
  if (version !== "") {
    tell(suits ? "" : "warning", say[suits ? "connect.patch_version" : "connect.patch_unsuited"].replace("{version}", version));
  }
  const rows = [
    ...changes.map((change) => row(change, change.now)),
    ...already.map((place) => row(place, say["connect.patch_stays"])),
    ...left.map((place) => row(place, say["connect.patch_long"])),
  ];
  found.querySelector("tbody").replaceChildren(...rows);
  found.hidden = rows.length === 0;
  if (left.length > 0) {
    tell("warning", say["connect.patch_none_short"]);
  }
  if (changes.length === 0) {
    tell(already.length > 0 ? "good" : "warning", say[rows.length === 0 ? "connect.patch_nothing" : already.length > 0 ? "connect.patch_already" : "connect.patch_no_change"]);
    return;
  }
  tell("good", say["connect.patch_found"].replace("{n}", changes.length));
  offered = URL.createObjectURL(new Blob([program], { type: "application/octet-stream" }));
  const link = result.querySelector("a");
  link.href = offered;
  link.download = file.name.replace(/(\.[^.]*)?$/, "-monarch$1");
  result.hidden = false;
}

function row({ offset, encoding, text }, becomes) {
  const tr = document.createElement("tr");
  for (const value of [`0x${offset.toString(16).padStart(6, "0")} ${encoding}`, text, becomes]) {
    const cell = tr.insertCell();
    cell.textContent = value;
  }
  return tr;
}
