const NUMBER = new Intl.NumberFormat('en');

/** `12,345`; no limit is `∞`. JSON has no Infinity, so it arrives as null. */
export function count(number) {
  return number === null ? '∞' : NUMBER.format(number);
}

/** `1 connection`, `2 connections`. */
export function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** A latency: two digits that matter. @param ms - milliseconds */
export function latency(ms) {
  if (ms === 0) return '0 ms';
  if (ms < 0.095) return '<0.1 ms';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return span(ms);
}

/** How long something has lasted, by its largest unit or two. @param ms - milliseconds */
export function span(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} min ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `0.4/s`, `27/s`, `1,200/s`. */
export function rate(perSecond) {
  if (perSecond === 0) return '0/s';
  return `${perSecond < 10 ? perSecond.toFixed(1) : NUMBER.format(Math.round(perSecond))}/s`;
}

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  const kibibytes = number / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}

export function timeOfDay(at) {
  return new Date(at).toLocaleTimeString('en-GB');
}
