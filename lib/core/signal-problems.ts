import type { OptionProblem } from './errors.js';

/** What keeps a `signal` option from being a signal. */
export function signalProblems(signal: unknown): OptionProblem[] {
  if (signal === undefined || isSignal(signal)) return [];
  return [{ path: 'signal', given: signal, allowed: 'an AbortSignal' }];
}

function isSignal(value: unknown): boolean {
  try {
    const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
    return [typeof aborted, typeof addEventListener, typeof removeEventListener].join() === SHAPE;
  } catch {
    return false;
  }
}

const SHAPE = 'boolean,function,function';
