import { BOX_SCRIPTS } from './redis-box-scripts.js';
import { ALIVE, LIFE, NOW } from './redis-script-parts.js';

/** Where things are in a Redis, for one hub. Braces, which keep its keys together, cannot stand in its name. */
export class RedisNames {
  readonly nodes: string;
  readonly all: string;
  /** Before the name of a node. */
  readonly channels: string;
  /** Before an id. */
  readonly places: string;
  /** Ids of which messages or numbers are kept; and what stands before an id. */
  readonly boxes: string;
  readonly shelves: string;
  readonly lists: string;
  private readonly base: string;

  constructor(prefix: string, hub: string) {
    this.base = `${prefix}:{${hub.replace(/[{}%]/g, encodeURIComponent)}}`;
    this.nodes = `${this.base}:nodes`;
    this.all = `${this.base}:all`;
    this.channels = `${this.base}:n:`;
    this.places = `${this.base}:p:`;
    this.boxes = `${this.base}:boxes`;
    this.shelves = `${this.base}:b:`;
    this.lists = `${this.base}:m:`;
  }

  idsOf(node: string): string {
    return `${this.base}:ids:${node}`;
  }

  /** What others took from it when they gave it up: it may only have been frozen. */
  takenFrom(node: string): string {
    return `${this.base}:taken:${node}`;
  }
}

/** Each is run whole: nothing comes between. */
export const SCRIPTS = {
  /**
   * KEYS nodes, place, ids  ARGV field, meta, policy, age, id, node, channels, own fields that are real ('' = all)
   *
   * An instance that hears nothing has crashed or is cut off: it need not be waited for until its lease is over.
   */
  claim: `${NOW}${ALIVE}
local since=now-tonumber(ARGV[4]) local was=0 local gone={} local all=redis.call('HGETALL',KEYS[2])
for i=1,#all,2 do local f,v=all[i],all[i+1] local n=nodeOf(f)
  if f~=ARGV[1] then
    if n==ARGV[6] and ARGV[8]~='' and not string.find(ARGV[8],','..f..',',1,true) then redis.call('HDEL',KEYS[2],f)
    else was=1 local s,l=string.match(v,'^(%-?%d+)|(%d)|')
      if not alive(n) then redis.call('HDEL',KEYS[2],f)
      elseif l=='1' then gone[#gone+1]=f
      elseif n~=ARGV[6] and ARGV[3]~='multi' then
        if ARGV[3]=='reject' and redis.call('PUBLISH',ARGV[7]..n,'[]')>0 then return {0,1} end
        if ARGV[3]=='replace' and tonumber(s)>since then return {0,1} end
        gone[#gone+1]=f end end end end
for _,f in ipairs(gone) do redis.call('HDEL',KEYS[2],f) local n=nodeOf(f)
  redis.call('PUBLISH',ARGV[7]..n,cjson.encode({'e',ARGV[5],string.sub(f,#n+2)})) end
local mine=redis.call('HGET',KEYS[2],ARGV[1]) if mine then was=1 end
redis.call('HSET',KEYS[2],ARGV[1],string.format('%.0f',since)..'|0|'..ARGV[2]) redis.call('SADD',KEYS[3],ARGV[5])
redis.call('PEXPIRE',KEYS[2],${LIFE}) redis.call('PEXPIRE',KEYS[3],${LIFE})
return {1,was}`,

  /** KEYS place, ids  ARGV field, id, lingering, node -> 1: the id has nobody left */
  release: `
local v=redis.call('HGET',KEYS[1],ARGV[1])
if v and ARGV[3]=='1' then redis.call('HSET',KEYS[1],ARGV[1],(string.gsub(v,'|0|','|1|',1))) return 0 end
redis.call('HDEL',KEYS[1],ARGV[1]) local left,mine=0,0
for _,f in ipairs(redis.call('HKEYS',KEYS[1])) do left=left+1 if string.sub(f,1,#ARGV[4]+1)==ARGV[4]..'/' then mine=mine+1 end end
if mine==0 then redis.call('SREM',KEYS[2],ARGV[2]) end
return v and left==0 and 1 or 0`,

  /**
   * KEYS nodes, places…  ARGV channels, own node, a message for each place -> for each, with commas: how many were told, `/`, how many could not be
   */
  ask: `${NOW}${ALIVE}
local out,order,said,of,is={},{},{},{},{}
for k=2,#KEYS do local seen,all={},redis.call('HGETALL',KEYS[k]) of[k]={}
  for i=1,#all,2 do local n=nodeOf(all[i])
    if n~=ARGV[2] and not seen[n] and string.match(all[i+1],'^%-?%d+|0|') then seen[n]=true
      if is[n]==nil then is[n]=alive(n) or false end
      if is[n] then
        if not said[n] then said[n]={} order[#order+1]=n end
        local m=said[n] m[#m+1]=ARGV[k+1] of[k][#of[k]+1]=n end end end end
local heard={}
for _,n in ipairs(order) do heard[n]=redis.call('PUBLISH',ARGV[1]..n,'["b",'..table.concat(said[n],',')..']')>0 end
for k=2,#KEYS do local asked,unreached=0,0
  for _,n in ipairs(of[k]) do if heard[n] then asked=asked+1 else unreached=unreached+1 end end
  out[k-1]=unreached==0 and asked or asked..'/'..unreached end
return table.concat(out,',')`,

  /** KEYS nodes, place  ARGV own node -> node, meta, … */
  presence: `${NOW}${ALIVE}
local out={} local all=redis.call('HGETALL',KEYS[2])
for i=1,#all,2 do local n=nodeOf(all[i]) local l,m=string.match(all[i+1],'^%-?%d+|(%d)|(.*)$')
  if n~=ARGV[1] and l=='0' and alive(n) then out[#out+1]=n out[#out+1]=m end end
return out`,

  /** KEYS nodes  ARGV node, lease -> 1: the fleet may have forgotten us; then the dead */
  touch: `${NOW}
local s=redis.call('ZSCORE',KEYS[1],ARGV[1]) redis.call('ZADD',KEYS[1],now+tonumber(ARGV[2]),ARGV[1])
redis.call('PEXPIRE',KEYS[1],${LIFE})
local out={(s and tonumber(s)>=now) and 0 or 1}
for _,n in ipairs(redis.call('ZRANGEBYSCORE',KEYS[1],'-inf','('..now)) do out[#out+1]=n end
return out`,

  /** KEYS nodes, place, ids  ARGV field, id, node: it is not here, and may be back -> 0: it is back, elsewhere */
  linger: `${NOW}${ALIVE}
local all=redis.call('HGETALL',KEYS[2]) local mine,others=nil,0
for i=1,#all,2 do local f=all[i] local n=nodeOf(f)
  if f==ARGV[1] then mine=all[i+1] elseif n==ARGV[3] or not alive(n) then redis.call('HDEL',KEYS[2],f) else others=others+1 end end
if others>0 then redis.call('HDEL',KEYS[2],ARGV[1]) redis.call('SREM',KEYS[3],ARGV[2]) return 0 end
mine=mine or string.format('%.0f',now)..'|1|'
redis.call('HSET',KEYS[2],ARGV[1],(string.gsub(mine,'|0|','|1|',1))) redis.call('SADD',KEYS[3],ARGV[2])
redis.call('PEXPIRE',KEYS[2],${LIFE}) redis.call('PEXPIRE',KEYS[3],${LIFE})
return 1`,

  /**
   * KEYS nodes, ids of the dead, what was taken from it  ARGV dead, places, how many, life of the last
   * -> how many were looked at; then the ids nobody has left
   */
  reap: `${NOW}
local s=redis.call('ZSCORE',KEYS[1],ARGV[1]) if s and tonumber(s)>=now then return {0} end
local ids=redis.call('SPOP',KEYS[2],tonumber(ARGV[3])) local out={#ids} local head=ARGV[1]..'/'
for _,id in ipairs(ids) do local p=ARGV[2]..id local n=0
  for _,f in ipairs(redis.call('HKEYS',p)) do if string.sub(f,1,#head)==head then n=n+redis.call('HDEL',p,f) end end
  if n>0 then redis.call('SADD',KEYS[3],id) redis.call('PEXPIRE',KEYS[3],ARGV[4]) end
  if n>0 and redis.call('EXISTS',p)==0 then out[#out+1]=id end end
if #ids==0 then redis.call('ZREM',KEYS[1],ARGV[1]) end
return out`,

  /** KEYS nodes, ids  ARGV node: we have gone. */
  leave: `redis.call('ZREM',KEYS[1],ARGV[1]) redis.call('DEL',KEYS[2]) return 1`,

  ...BOX_SCRIPTS,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
