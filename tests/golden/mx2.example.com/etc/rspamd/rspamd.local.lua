-- Written by ironpost: changes made here are undone by its next run.
-- Facts about a message that the policy in rspamd.conf.override names, which weigh nothing by themselves; and signatures
-- by rsa-sha1, which do not count.

local util = require('rspamd_util')
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

-- The addresses in From, if there is one such header. It is read here: of bob+shop@ rspamd makes two addresses, with the
-- tag and without, before anybody else sees them.
local function authors(task)
  local headers = task:get_header_full('From') or {}
  return #headers == 1 and util.parse_mail_address(headers[1].value, task:get_mempool()) or {}
end

-- Exactly one From (RFC 5322 §3.6), with one address: DMARC has no answer for more (RFC 9989).
rspamd_config.FROM_NOT_ONCE = {
  callback = function(task)
    local found = authors(task)
    return #found ~= 1 or not (found[1].addr or ''):find('@')
  end,
  score = 0.0,
  group = 'ironpost',
  description = 'Has no From, several, or one with several addresses',
}

-- Whoever has logged in writes in their own name: From holds an address of that login, or a sub-address of one (RFC 6409
-- §6.1 has the same for the envelope, which Postfix sees to). Machines have no login name and no addresses.
local owners = require('lua_maps').map_add_from_ucl('/var/lib/rspamd/owners', 'map', 'address, login')

rspamd_config.FROM_NOT_OWNED = {
  callback = function(task)
    local user = task:get_user()
    local from = authors(task)[1]
    if not user or not user:find('@') or not from or not owners then
      return false
    end
    local address = (from.addr or ''):lower()
    local owner = owners:get_key(address) or owners:get_key((address:gsub('%+[^@]*@', '@', 1)))
    return owner ~= user:lower(), 1.0, address
  end,
  score = 0.0,
  group = 'ironpost',
  description = 'From is not an address of this login',
}

-- A signature by rsa-sha1 has failed for good, whatever its arithmetic says (RFC 8301 §3.1). rspamd counts it, so that
-- its results are corrected here, before DMARC or anybody else reads them. In a message that carries such a signature
-- only that counts which is known to be of another kind; all other messages are left as they are.

-- One signature field: its tags without blanks (RFC 6376 §3.2); `weak` where any a= of it names SHA-1.
local function signature_of(text)
  local found = {weak = false}
  for tag in (text .. ';'):gmatch('([^;]*);') do
    local name, value = tag:gsub('%s', ''):match('^(%a+)=(.*)$')
    if name then
      found[name] = value
      found.weak = found.weak or (name == 'a' and value:lower():find('sha1', 1, true) ~= nil)
    end
  end
  return found
end

local function signatures_of(task)
  local found, weak = {}, false
  for _, field in ipairs(task:get_header_full('DKIM-Signature') or {}) do
    local signature = signature_of(field.value or '')
    weak = weak or signature.weak
    found[#found + 1] = signature
  end
  return found, weak
end

-- rspamd tells domain, selector and the beginning of b= of each result.
local function belongs(result, signature)
  local start = (result.bhash or ''):gsub('%s', '')
  return (signature.d or ''):lower() == (result.domain or ''):lower()
    and (signature.s or '') == (result.selector or '')
    and (signature.b or ''):sub(1, #start) == start
end

local function counts(result, signatures)
  local known = false
  for _, signature in ipairs(signatures) do
    if belongs(result, signature) then
      if signature.weak then
        return false
      end
      known = true
    end
  end
  return known
end

-- The results of rspamd as they should be.
local function results_of(task, signatures)
  local found = {}
  for _, result in ipairs(task:get_dkim_results() or {}) do
    if result.result == 'allow' and not counts(result, signatures) then
      result.result, result.fail_reason = 'permerror', 'rsa-sha1 counts no more, RFC 8301'
    end
    found[#found + 1] = result
  end
  return found
end

local TRACES = {allow = '+', reject = '-', tempfail = '?'}

rspamd_config:register_symbol({
  name = 'RSA_SHA1_REFUSED',
  type = 'normal',
  group = 'ironpost',
  score = 0.0,
  description = 'Has a DKIM signature by rsa-sha1, which does not count',
  callback = function(task)
    local signatures, weak = signatures_of(task)
    if not weak then
      return false
    end
    local allowed, traces = {}, {}
    for _, result in ipairs(results_of(task, signatures)) do
      traces[#traces + 1] = (result.domain or 'unknown') .. ':' .. (TRACES[result.result] or '~')
      if result.result == 'allow' then
        allowed[#allowed + 1] = result.domain .. ':s=' .. result.selector
      end
    end
    task:remove_result('R_DKIM_ALLOW')
    task:remove_result('DKIM_TRACE')
    if #traces > 0 then
      task:insert_result('DKIM_TRACE', 0.0, traces)
    end
    if #allowed > 0 then
      task:insert_result('R_DKIM_ALLOW', 1.0, allowed)
    else
      task:insert_result('R_DKIM_PERMFAIL', 1.0)
    end
    return true
  end,
})
rspamd_config:register_dependency('RSA_SHA1_REFUSED', 'DKIM_CHECK')
rspamd_config:register_dependency('DMARC_CHECK', 'RSA_SHA1_REFUSED')

-- What is written into the message says the same (RFC 8601 §2.7.1).
local authentication = require 'lua_auth_results'
local write = authentication.gen_auth_results
authentication.gen_auth_results = function(task, ...)
  local signatures, weak = signatures_of(task)
  if not weak then
    return write(task, ...)
  end
  local corrected = {get_dkim_results = function() return results_of(task, signatures) end}
  local others = function(_, name)
    return function(_, ...) return task[name](task, ...) end
  end
  return write(setmetatable(corrected, {__index = others}), ...)
end

-- A letter in the name of one of ours that fails DMARC is not forwarded, even where its policy asks for nothing: from here
-- it would pass, since SPF names this host. The mark is read by Dovecot; who adds it themselves keeps their letter here.
local KEPT_HEADER = 'X-Not-Forwarded'
local OWN_NAMES = {
  'example.com',
  'shop.example.com',
  'xn--bcher-kva.example',
  'staff.example.com',
  'pupils.example.com',
  'members.example.com',
  'mx2.example.com',
  'mx1.example.org',
  'mx3.example.net',
}

-- Alignment is by organizational domain (RFC 9989). While this file is read, rspamd does not know yet where names end.
local function is_ours(domain)
  for _, name in ipairs(OWN_NAMES) do
    if util.get_tld(name) == util.get_tld(domain) then
      return true
    end
  end
  return false
end

rspamd_config:register_symbol({
  name = 'NOT_TO_BE_FORWARDED',
  type = 'postfilter',
  priority = 5,
  group = 'ironpost',
  score = 0.0,
  description = 'Is in the name of one of ours, which nothing proves',
  callback = function(task)
    local address = task:get_from_ip()
    local from = authors(task)[1]
    if task:get_user() or (address and address:is_local()) or task:has_symbol('DMARC_POLICY_ALLOW') or not from then
      return false
    end
    if is_ours((from.addr or ''):lower():match('@(.+)$') or 'invalid') then
      local added = {}
      added[KEPT_HEADER] = {order = 1, value = 'fails DMARC'}
      require('lua_mime').modify_headers(task, {add = added})
      task:insert_result('NOT_TO_BE_FORWARDED', 1.0)
    end
    return false
  end,
})

-- What Dovecot forwards is sealed (RFC 8617) in the name of the domain whose account forwards it, with the key by which
-- that domain signs. No login of a person is called so, and Dovecot writes this header above all that were there.
local function forwarding_domain(task)
  if task:get_user() ~= 'sieve' then
    return nil
  end
  local by = task:get_header_full('X-Sieve-Redirected-From') or {}
  return by[1] and ((by[1].decoded or ''):lower():match('@([%w.-]+)'))
end

-- A longer chain, rspamd 3.4 would seal over its headers in the wrong order: it is left as it came, and stays valid.
local LONGEST_CHAIN = 1

rspamd_plugins.ironpost = {
  seal_with = function(task)
    local domain = forwarding_domain(task)
    local signing = rspamd_config:get_all_opt('dkim_signing') or {}
    local keys = domain and ((signing.domain or {})[domain] or {}).selectors or {}
    if not keys[1] or #(task:get_header_full('ARC-Seal') or {}) > LONGEST_CHAIN then
      return nil
    end
    return {domain = domain, selector = keys[1].selector, key = keys[1].path}
  end,
}

-- The seal tells what was found when the letter came in: the one header of results that it brings along is this host's, or
-- that of the host of the fleet that took it; any other was removed there.
local found_here = authentication.gen_auth_results
authentication.gen_auth_results = function(task, ...)
  if not forwarding_domain(task) then
    return found_here(task, ...)
  end
  return task:get_header('Authentication-Results') or 'mx2.example.com; none'
end
