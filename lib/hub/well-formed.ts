/** Half of a surrogate pair is no UTF-8: on its way to another instance it would become something else. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
