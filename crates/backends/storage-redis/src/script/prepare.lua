-- Makes the header of a store, unless there is something already. Then tries each
-- command that other scripts use, so that a user who lacks the right to one
-- learns of it now, and not in the middle of a commit.
local entries, index, meta, notes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local call = redis.call

local function kind(key)
  return call('TYPE', key).ok
end

local expected = { [entries] = 'hash', [index] = 'zset', [meta] = 'hash', [notes] = 'hash' }
local has_header = kind(meta) == 'hash' and call('HEXISTS', meta, 'format') == 1
for key, type in pairs(expected) do
  local found = kind(key)
  if found ~= 'none' and (found ~= type or not has_header) then
    return { 'foreign', key }
  end
end

if not has_header then
  -- The caller has not looked yet for keys of others.
  if ARGV[2] == 'look' then
    return { 'absent' }
  end
  call('HSET', meta, 'format', 1, 'store', ARGV[1], 'last', 0)
end
local header = call('HMGET', meta, 'format', 'store', 'last')

local probe = '\0storage probe'
call('HSET', notes, probe, '')
call('HGET', notes, probe)
call('HSTRLEN', notes, probe)
call('HDEL', notes, probe)
call('ZADD', index, 0, probe)
call('ZREM', index, probe)
call('ZLEXCOUNT', index, '-', '(\0')
call('ZRANGEBYLEX', index, '-', '(\0', 'LIMIT', 0, 1)
call('ZREVRANGEBYLEX', index, '(\0', '-', 'LIMIT', 0, 1)
call('HRANDFIELD', notes, 1, 'WITHVALUES')
call('TIME')
return { 'ours', unpack(header) }
