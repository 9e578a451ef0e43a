/** The time of Redis, in milliseconds. */
export const NOW = `
local t=redis.call('TIME') local now=t[1]*1000+math.floor(t[2]/1000)`;

/** How long what has to do with a hub stays when no instance renews it. Milliseconds. */
export const LIFE = 24 * 60 * 60 * 1000;

/** A claim is a field \`<node>/<key>\` of the id's hash: \`<since>|<lingering>|<meta>\`. A node is alive until its score. */
export const ALIVE = `
local function nodeOf(f) return string.match(f,'^([^/]+)/') end
local function alive(n) local s=redis.call('ZSCORE',KEYS[1],n) return s and tonumber(s)>=now end`;
