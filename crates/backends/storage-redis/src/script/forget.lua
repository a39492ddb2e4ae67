-- Of a few sessions, forgets those that have noted nothing for a day.
local notes = KEYS[4]
local day_ago = tonumber(redis.call('TIME')[1]) - 86400
local some = redis.call('HRANDFIELD', notes, 16, 'WITHVALUES')
for place = 1, #some, 2 do
  local noted = tonumber(some[place + 1]:match('^%d+ (%d+)'))
  if noted and noted < day_ago then
    redis.call('HDEL', notes, some[place])
  end
end
return redis.status_reply('OK')
