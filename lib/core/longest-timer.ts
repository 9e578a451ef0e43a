/** Node's timers fire at once beyond this. */
export const LONGEST_TIMER = 2 ** 31 - 1;
