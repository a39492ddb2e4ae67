local unpack_numbers = struct.unpack

-- Whether a stored value has not expired. Its first byte says whether it can; an
-- expiry has eight bytes, behind those of the version.
local function is_live(value, now_high, now_low)
  if value:byte(1) ~= 2 then
    return true
  end
  local high, low = unpack_numbers('>I4I4', value, 10)
  return high > now_high or (high == now_high and low > now_low)
end

