import { ALIVE, NOW } from './redis-script-parts.js';

/**
 * What is known of an id is a hash: `run` of the server, `e`poch, `s` the last number, `r` up to where somebody has fetched them,
 * `b`ytes. Its messages are a list of `<time>|<bytes>|<sent>|<message>`, the last of which has the number `s`; one that was sent
 * to somebody may be dropped without a word. All ids stand in a sorted set by when they were used.
 *
 * A server that was restarted, or another that took its place, may lack what was numbered last: there the numbers begin anew.
 *
 * RULES are in ARGV: boxes, shelves, lists, run, size, bytes, ttl, life of a position, ids.
 */
const SHELF = `
local boxes,shelves,lists,run=ARGV[1],ARGV[2],ARGV[3],ARGV[4]
local size,most,ttl,life,ids=tonumber(ARGV[5]),tonumber(ARGV[6]),tonumber(ARGV[7]),ARGV[8],tonumber(ARGV[9])
local lost={}
local function drop(x,count)
  local h,l=shelves..x.id,lists..x.id local first=x.s-x.n+1 local messages,bytes=0,0
  for i=0,count-1 do local b,sent=string.match(redis.call('LPOP',l),'^%d+|(%d+)|(%d)|') b=tonumber(b) or 0 x.b=x.b-b x.n=x.n-1
    if sent~='1' and first+i>x.r then messages=messages+1 bytes=bytes+b end end
  if messages>0 then lost[#lost+1]={x.id,messages,bytes} end
end
local function read(id)
  local v=redis.call('HMGET',shelves..id,'run','e','s','r','b')
  local x={id=id,run=v[1],e=v[2],s=tonumber(v[3]) or 0,r=tonumber(v[4]) or 0,b=tonumber(v[5]) or 0,n=redis.call('LLEN',lists..id)}
  if x.n==0 then x.b=0 end
  return x
end
local function renew(x,epoch)
  drop(x,x.n) redis.call('DEL',shelves..x.id,lists..x.id) x.run,x.e,x.s,x.r,x.b,x.n=run,epoch,0,0,0,0
end
local function open(id,epoch)
  local x=read(id)
  if not x.e or x.run~=run then renew(x,epoch) end
  while x.n>0 and (tonumber(string.match(redis.call('LINDEX',lists..id,0),'^%d+')) or 0)<=now-ttl do drop(x,1) end
  redis.call('ZADD',boxes,now,id)
  while redis.call('ZCARD',boxes)>ids do
    local old=redis.call('ZRANGE',boxes,0,1) local quiet=old[1]~=id and old[1] or old[2]
    local y=read(quiet) drop(y,y.n)
    redis.call('DEL',shelves..quiet,lists..quiet) redis.call('ZREM',boxes,quiet)
  end
  return x
end
local function save(x)
  redis.call('HSET',shelves..x.id,'run',x.run,'e',x.e,'s',string.format('%.0f',x.s),'r',string.format('%.0f',x.r),'b',string.format('%.0f',x.b))
  redis.call('PEXPIRE',shelves..x.id,life) redis.call('PEXPIRE',boxes,life)
end`;

/** Each is run whole: nothing comes between. */
export const BOX_SCRIPTS = {
  /**
   * KEYS nodes, places…  ARGV the rules, channels, own node, when it is too late; for each place: a new epoch, id, whether it is here, bytes,
   * message, question that lacks its number -> what was lost; for each: epoch, number, whether kept, whether sent, how many could not be told, how many were
   */
  post: `${NOW}${ALIVE}${SHELF}
if now>tonumber(ARGV[12]) then return redis.error_reply('LATE it has been given up') end
local channels,own=ARGV[10],ARGV[11] local out,said,order,of={},{},{},{}
for k=2,#KEYS do local a=13+(k-2)*6
  local epoch,id,here,bytes,message,question=ARGV[a],ARGV[a+1],ARGV[a+2]=='1',tonumber(ARGV[a+3]),ARGV[a+4],ARGV[a+5]
  local x=open(id,epoch) local kept=bytes<=most
  if kept then while x.n>0 and (x.n>=size or x.b+bytes>most) do drop(x,1) end else drop(x,x.n) end
  x.s=x.s+1 local number=string.format('%.0f',x.s) of[k]={}
  local seen,all={},redis.call('HGETALL',KEYS[k])
  for i=1,#all,2 do local n=nodeOf(all[i])
    if n~=own and not seen[n] and string.match(all[i+1],'^%-?%d+|0|') and alive(n) then seen[n]=true
      if not said[n] then said[n]={} order[#order+1]=n end
      local m=said[n] m[#m+1]=question..','..cjson.encode(x.e)..','..number..']' of[k][#of[k]+1]=n end end
  local sent=(here or #of[k]>0) and 1 or 0
  if kept then
    redis.call('RPUSH',lists..id,string.format('%.0f',now)..'|'..ARGV[a+3]..'|'..sent..'|'..message) x.n=x.n+1 x.b=x.b+bytes
    redis.call('PEXPIRE',lists..id,ttl+1000) end
  save(x) out[k]={x.e,x.s,kept and 1 or 0,sent}
end
local heard={}
for _,n in ipairs(order) do heard[n]=redis.call('PUBLISH',channels..n,'["b",'..table.concat(said[n],',')..']')>0 end
local answers={lost}
for k=2,#KEYS do local told,untold=0,0
  for _,n in ipairs(of[k]) do if heard[n] then told=told+1 else untold=untold+1 end end
  local one=out[k] one[5]=untold one[6]=told answers[k]=one end
return answers`,

  /**
   * KEYS boxes  ARGV the rules, a new epoch, id, what: top, first, from or renew, epoch, number
   * -> what was lost, epoch, last number, whether all that was missed follows; messages
   */
  find: `${NOW}${SHELF}
local x=open(ARGV[11],ARGV[10]) local what,out=ARGV[12],nil
if what=='renew' then renew(x,ARGV[10]) end
local from=tonumber(ARGV[14]) local count=x.s-from
if (what=='first' or (what=='from' and ARGV[13]==x.e)) and count>=0 and count<=x.n then
  out={lost,x.e,x.s,1} x.r=x.s
  if count>0 then for _,v in ipairs(redis.call('LRANGE',lists..x.id,-count,-1)) do out[#out+1]=string.match(v,'^%d+|%d+|%d|(.*)$') or '' end end
end
save(x)
return out or {lost,x.e,x.s,0}`,

  /** KEYS shelf, list  ARGV epoch, number: it was sent, and has not arrived */
  miss: `
local v=redis.call('HMGET',KEYS[1],'e','s') if v[1]~=ARGV[1] then return 0 end
local at=tonumber(ARGV[2])-tonumber(v[2])-1 local m=redis.call('LINDEX',KEYS[2],at)
if m then redis.call('LSET',KEYS[2],at,(string.gsub(m,'^(%d+|%d+|)%d|','%10|',1))) end
return 1`,
} as const;
