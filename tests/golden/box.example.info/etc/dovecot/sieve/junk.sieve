# Runs before the rules of every user (RFC 5228). What rspamd marked as doubtful is filed in Junk, and the user's own
# rules, automatic replies among them, do not see it. rspamd removes this header where a sender wrote it.
require ["fileinto", "mailbox"];

if header :is "X-Spam" "Yes" {
  fileinto :create "Junk";
  stop;
}
