// Leads a copy of MSN Messenger's program to another service, by the rules of monarch patch: the
// names in it are overwritten and nothing moves. internal/patch/testdata/vectors.json has the
// examples that both are held to.

export const MAX_PROGRAM = 64 * 1024 * 1024; // bytes

// Refused is a file that cannot be patched; its message is "no_program" or "too_large".
export class Refused extends Error {}

const ENCODINGS = [{ name: "ANSI", width: 1 }, { name: "UTF-16", width: 2 }];

// patch returns a changed copy of a program, with what was found in it. Texts are
// { original, ours, room, fill }: ours is empty where no name is short enough.
export function patch(program, texts) {
  if (program.length > MAX_PROGRAM) {
    throw new Refused("too_large");
  }
  if (!isProgram(program)) {
    throw new Refused("no_program");
  }
  const copy = program.slice();
  const changes = [], already = [], left = [], taken = [];
  for (const text of texts) {
    for (const place of find(program, text.original)) {
      if (text.ours === "") {
        left.push(place);
      } else if (text.ours !== text.original) {
        const change = rewrite(copy, place, text);
        changes.push(change);
        taken.push(stretch(change));
      }
    }
  }
  for (const text of texts) {
    for (const place of text.ours === "" ? [] : find(program, text.ours)) {
      const mine = stretch(place); // a name alone is also in the address that has it
      if (!taken.some((other) => mine.from < other.to && other.from < mine.to)) {
        taken.push(mine);
        already.push(place);
      }
    }
  }
  for (const list of [changes, already, left]) {
    list.sort((a, b) => a.offset - b.offset);
  }
  return { ...versionOf(program), changes, already, left, program: copy };
}

// isProgram tells whether a file is in the format of Windows programs: it begins with a program
// for DOS, which says where the real one begins.
function isProgram(file) {
  if (file.length < 0x40 || file[0] !== 0x4d || file[1] !== 0x5a) {
    return false;
  }
  const at = number(file, 0x3c, 4);
  return at + 4 <= file.length && number(file, at, 4) === 0x4550;
}

// number reads a number whose lowest byte comes first.
function number(file, at, bytes) {
  let n = 0;
  for (let i = bytes - 1; i >= 0; i--) {
    n = n * 256 + file[at + i];
  }
  return n;
}

const widthOf = (encoding) => ENCODINGS.find(({ name }) => name === encoding).width;

function stretch({ offset, encoding, text }) {
  return { from: offset, to: offset + widthOf(encoding) * text.length };
}

// encode writes a text of ASCII as it is in a program.
function encode(text, width) {
  const bytes = new Uint8Array(text.length * width);
  for (let i = 0; i < text.length; i++) {
    bytes[i * width] = text.charCodeAt(i);
  }
  return bytes;
}

// at returns the character at an offset, or "" where there is none of ASCII.
function at(program, offset, width) {
  if (offset < 0 || offset + width > program.length || width === 2 && program[offset + 1] !== 0 || program[offset] === 0) {
    return "";
  }
  return String.fromCharCode(program[offset]);
}

// indexOf returns where bytes are in a program, from an offset on, or -1.
function indexOf(program, bytes, from) {
  for (let i = program.indexOf(bytes[0], from); i >= 0; i = program.indexOf(bytes[0], i + 1)) {
    let same = 1;
    while (same < bytes.length && program[i + same] === bytes[same]) {
      same++;
    }
    if (same === bytes.length) {
      return i;
    }
  }
  return -1;
}

// find returns all places of a text, where it is not a part of another name.
function find(program, text) {
  const places = [];
  for (const { name, width } of ENCODINGS) {
    const bytes = encode(text, width);
    for (let offset = indexOf(program, bytes, 0); offset >= 0; offset = indexOf(program, bytes, offset + bytes.length)) {
      if (!inName(program, offset, offset + bytes.length, width)) {
        places.push({ text, offset, encoding: name });
      }
    }
  }
  return places;
}

const isWord = (c) => /^[A-Za-z0-9]$/.test(c);
const joins = (c) => c === "." || c === "-";

// inName tells whether a name goes on before or after a stretch. In front may be anything that
// does not belong to it, letters too: only a dot or a dash with a letter before that does.
function inName(program, from, to, width) {
  if (joins(at(program, from - width, width)) && isWord(at(program, from - 2 * width, width))) {
    return true;
  }
  const after = at(program, to, width);
  return isWord(after) || joins(after) && isWord(at(program, to + width, width));
}

// rewrite writes a text over another. What stands behind a name, as a path does, moves up to it;
// the rest of the place is zeros.
function rewrite(program, place, text) {
  const width = widthOf(place.encoding);
  const rest = tail(program, stretch(place).to, width);
  const before = place.text + rest;
  let now = text.ours + rest;
  if (text.fill && !rest.startsWith("?")) {
    now += filler(before.length - now.length);
  }
  program.fill(0, place.offset, place.offset + before.length * width);
  program.set(encode(now, width), place.offset);
  return { ...place, text: before, now };
}

const LONGEST_TAIL = 256; // more than any path that is known

// tail returns what belongs to an address and follows its name.
function tail(program, offset, width) {
  let text = "";
  for (; text.length < LONGEST_TAIL; offset += width) {
    const c = at(program, offset, width);
    if (text === "" && !/^[/:?]$/.test(c) || !/^[A-Za-z0-9/:?&=%._~+,;@!$#-]$/.test(c)) {
      break;
    }
    text += c;
  }
  return text;
}

// filler returns a query of a length that means nothing.
function filler(length) {
  return "?x=".slice(0, Math.max(0, length)).padEnd(length, "x");
}

const VERSION_MARK = Uint8Array.of(0xbd, 0x04, 0xef, 0xfe, 0, 0, 1, 0);

// versionOf returns the version that a program says it has ("" if it says none), and whether such
// programs sign in as the service expects once their names are changed.
function versionOf(program) {
  const i = indexOf(program, VERSION_MARK, 0);
  if (i < 0 || i + 16 > program.length) {
    return { version: "", suits: false };
  }
  const major = number(program, i + 10, 2);
  const version = [major, number(program, i + 8, 2), number(program, i + 14, 2), number(program, i + 12, 2)];
  return { version: version.join("."), suits: major === 5 || major === 6 };
}
