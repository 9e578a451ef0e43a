/**
 * A pool's name as the environment writes it: in upper case, with every character that is neither a letter from A to Z
 * nor a digit as `_`.
 *
 * @example
 * environmentName('user-db'); // 'USER_DB'
 */
export function environmentName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/gu, '_');
}
