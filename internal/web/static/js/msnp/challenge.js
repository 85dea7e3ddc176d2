// The proof that a client is one. docs/protocol/presence.md#challenge

import { utf8 } from "./bytes.js";
import { md5Hex } from "./md5.js";

/** The product that answers. */
export const product = "PROD0038W!61ZTF9";
const key = "VT6PX?UQTM4WM%YR";

/**
 * Answers a challenge.
 * @param {string} challenge
 * @returns {string} 32 hexadecimal digits
 */
export const answerTo = (challenge) => md5Hex(utf8(challenge + key));
