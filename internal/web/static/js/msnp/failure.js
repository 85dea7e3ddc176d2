// What can go wrong, as one kind of error whose reason a page can put into words.

/**
 * Why something failed. The list is closed: pages have a sentence for each.
 * @typedef {"lost"|"shutdown"|"elsewhere"|"refused"|"unavailable"|"version"|"moved"|"closed"|"timeout"|"protocol"
 *   |"offline"|"noanswer"|"undelivered"|"hidden"|"busy"|"invalid"|"unknown"|"exists"|"missing"|"full"|"opposite"
 *   |"name"|"group"|"toolong"|"declined"|"damaged"|"toolarge"} Reason
 */

/** An error with a reason, and the number of the service if it gave one. */
export class Failure extends Error {
  /**
   * @param {Reason} reason
   * @param {string} [message] for logs
   * @param {number} [number] error line of the service
   */
  constructor(reason, message = reason, number = 0) {
    super(message);
    this.name = "Failure";
    this.reason = reason;
    this.number = number;
  }

  /**
   * Makes a failure of whatever was thrown.
   * @param {unknown} thrown
   * @param {Reason} [otherwise] the reason when it has none
   * @returns {Failure}
   */
  static of(thrown, otherwise = "lost") {
    if (thrown instanceof Failure) return thrown;
    return new Failure(otherwise, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/**
 * The reasons behind error lines. docs/protocol/errors.md#codes
 * @type {Map<number, Reason>}
 */
const reasons = new Map([
  [201, "invalid"], [205, "unknown"], [208, "invalid"], [209, "name"], [210, "full"], [215, "exists"],
  [216, "missing"], [217, "offline"], [218, "exists"], [219, "opposite"], [223, "full"], [224, "group"],
  [225, "missing"], [228, "exists"], [229, "toolong"], [230, "group"], [281, "unavailable"], [282, "undelivered"],
  [601, "unavailable"], [713, "busy"], [715, "invalid"], [800, "busy"], [910, "unavailable"], [911, "refused"],
  [913, "hidden"],
]);

/**
 * Makes a failure of an error line.
 * @param {number} number
 * @param {string} verb of the command it answers
 * @returns {Failure}
 */
export function refusal(number, verb) {
  return new Failure(reasons.get(number) ?? "unavailable", `${verb} was answered ${number}`, number);
}
