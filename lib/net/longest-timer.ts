export { LONGEST_TIMER } from '../core/longest-timer.js';
