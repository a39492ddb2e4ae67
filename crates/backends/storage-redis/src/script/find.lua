-- Says what became of an attempt of a session that has ended: what was noted of
-- it, or nothing. A note is written anew, so that the answer is as durable as
-- that of a commit.
local notes, meta = KEYS[4], KEYS[3]
if redis.call('HGET', meta, 'store') ~= ARGV[3] then
  return redis.error_reply('STORAGE the store is not there any more')
end
local note = redis.call('HGET', notes, ARGV[1])
if not note or note:match('^%d+') ~= ARGV[2] then
  return false
end
redis.call('HSET', notes, ARGV[1], note)
return note
