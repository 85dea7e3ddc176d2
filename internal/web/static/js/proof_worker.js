// A worker that searches, so that the page does not stand still meanwhile.
import { searcher } from "./proof.js";

const AT_A_TIME = 20000;

self.onmessage = ({ data: { challenge, bits } }) => {
  const search = searcher(challenge, bits);
  let found = -1;
  while (found < 0) {
    found = search(AT_A_TIME);
  }
  self.postMessage(found);
};
