-- Written by ironpost: changes made here are undone by its next run.
-- Two facts about a message that the policy in rspamd.conf.override names. They weigh nothing by themselves.

local LIST_HEADERS = {'List-Id', 'List-Post', 'List-Unsubscribe', 'List-Help', 'List-Subscribe', 'List-Archive'}

-- A list says so in its headers (RFC 2369, RFC 2919). It may have changed the message, which breaks its signature.
rspamd_config.LIST_HEADER = {
  callback = function(task)
    for _, name in ipairs(LIST_HEADERS) do
      if task:has_header(name) then
        return true
      end
    end
    return false
  end,
  score = 0.0,
  group = 'ironpost',
  description = 'Has a header of a mailing list',
}

-- Exactly one From (RFC 5322 §3.6), with one address: DMARC has no answer for more (RFC 9989).
rspamd_config.FROM_NOT_ONCE = {
  callback = function(task)
    local headers = task:get_header_full('From') or {}
    local addresses = task:get_from({'mime', 'orig'}) or {}
    return #headers ~= 1 or #addresses ~= 1
  end,
  score = 0.0,
  group = 'ironpost',
  description = 'Has no From, several, or one with several addresses',
}
