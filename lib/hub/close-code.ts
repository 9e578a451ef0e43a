/**
 * What a hub says when it closes a connection. 1001, 1006 and 4000-4499 mean "come back"; the others "do not": the client
 * would be refused again, or has been told to go.
 */
export const CloseCode = {
  /** `delete()`. */
  Deleted: 1000,
  /** The hub is closing. */
  GoingAway: 1001,
  /** `attach()` refused its origin or its identity. */
  Refused: 1008,
  /** It sent more than `maxMessageBytes` at once. */
  TooBig: 1009,
  /** It does not take what it is sent. */
  Slow: 4008,
  /** Its id has come again. */
  Replaced: 4501,
  /** Its id is there already. */
  Duplicate: 4502,
  /** `kick()`. */
  Kicked: 4503,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** What there is when a connection ended without a word; never said by anybody. */
export const NO_CODE = 1006;
