const LONGEST = 256;

/** Whether it may be an id, or the name of a group. */
export function isId(given: unknown): given is string {
  return typeof given === 'string' && given !== '' && given.length <= LONGEST && isWellFormed(given);
}

/** Half of a surrogate pair is no UTF-8: on its way to another instance it would become something else. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
